#include "server/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>

enum { CHAIN_MOST = 16 };

typedef struct Keys {
    gnutls_pcert_st chain[CHAIN_MOST];
    unsigned count;
    gnutls_privkey_t key;
    struct Keys *former; /* handshakes may still use it */
} Keys;

struct TlsConn {
    gnutls_session_t session;
    bool open; /* the handshake is over */
};

static Keys *_Atomic current;
static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priorities;
static char *client_ca; /* does not change while the process lives: libmicrohttpd reads it once */

/* ---- certificates ----------------------------------------------------------------------------------------------- */

static bool refuse(Str path, const char *what, int code, Err *err) {
    return err_set(err, ERR_INVALID_CONFIG, "The %s in %" STR_FMT " cannot be used for TLS: %s.", what, STR_ARG(path),
                   gnutls_strerror(code));
}

static bool load_file(Str path, const char *what, gnutls_datum_t *ret, Err *err) {
    char name[4096];
    if (path.len >= sizeof name) {
        return err_set(err, ERR_INVALID_CONFIG, "The path of the %s for TLS is too long.", what);
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    int code = gnutls_load_file(name, ret);
    return code == 0 || refuse(path, what, code, err);
}

static bool load_chain(Str path, Keys *keys, Err *err) {
    gnutls_datum_t pem;
    if (!load_file(path, "certificate", &pem, err)) {
        return false;
    }
    keys->count = CHAIN_MOST;
    int code = gnutls_pcert_list_import_x509_raw(keys->chain, &keys->count, &pem, GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(pem.data);
    return code == 0 || refuse(path, "certificate", code, err);
}

static bool load_key(Str path, Keys *keys, Err *err) {
    gnutls_datum_t pem;
    if (!load_file(path, "key", &pem, err)) {
        return false;
    }
    gnutls_privkey_init(&keys->key);
    int code = gnutls_privkey_import_x509_raw(keys->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return code == 0 || refuse(path, "key", code, err);
}

/* A key of another certificate would only be found out by the first client. */
static bool belong_together(const Keys *keys, const TlsFiles *files, Err *err) {
    unsigned char of_key[64], of_certificate[64];
    size_t key_bytes = sizeof of_key, certificate_bytes = sizeof of_certificate;
    gnutls_pubkey_t public;
    gnutls_pubkey_init(&public);
    bool same = gnutls_pubkey_import_privkey(public, keys->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_bytes) == 0 &&
                gnutls_pubkey_get_key_id(keys->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_certificate, &certificate_bytes) == 0 &&
                key_bytes == certificate_bytes && memcmp(of_key, of_certificate, key_bytes) == 0;
    gnutls_pubkey_deinit(public);
    return same || err_set(err, ERR_INVALID_CONFIG, "The key in %" STR_FMT " is not that of the certificate in %" STR_FMT ".",
                           STR_ARG(files->key), STR_ARG(files->certificate));
}

static void keys_free(Keys *keys) {
    for (unsigned i = 0; i < keys->count; i++) {
        gnutls_pcert_deinit(&keys->chain[i]);
    }
    if (keys->key) {
        gnutls_privkey_deinit(keys->key);
    }
    free(keys);
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain, unsigned *ret_count,
                    gnutls_privkey_t *ret_key) {
    (void)session, (void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
    Keys *keys = atomic_load(&current);
    *ret_chain = keys->chain;
    *ret_count = keys->count;
    *ret_key = keys->key;
    return 0;
}

static bool trust_clients(Str path, Err *err) {
    gnutls_datum_t pem;
    if (!load_file(path, "client CA", &pem, err)) {
        return false;
    }
    int code = gnutls_certificate_set_x509_trust_mem(credentials, &pem, GNUTLS_X509_FMT_PEM);
    if (code > 0) {
        client_ca = strndup((const char *)pem.data, pem.size);
    }
    gnutls_free(pem.data);
    return code > 0 || refuse(path, "client CA", code ? code : GNUTLS_E_NO_CERTIFICATE_FOUND, err);
}

static bool set_up(const TlsFiles *files, Err *err) {
    if (credentials) {
        return true;
    }
    if (gnutls_certificate_allocate_credentials(&credentials) != 0 || gnutls_priority_init(&priorities, NULL, NULL) != 0) {
        return err_set(err, ERR_INTERNAL, "There is no memory for TLS.");
    }
    gnutls_certificate_set_retrieve_function2(credentials, retrieve);
    return str_is_empty(files->client_ca) || trust_clients(files->client_ca, err);
}

bool tls_load(const TlsFiles *files, Err *err) {
    if (str_is_empty(files->certificate)) {
        return true;
    }
    Keys *keys = calloc(1, sizeof *keys);
    if (!keys) {
        return err_set(err, ERR_INTERNAL, "There is no memory for TLS.");
    }
    if (!load_chain(files->certificate, keys, err)) {
        free(keys);
        return false;
    }
    if (!load_key(files->key, keys, err) || !belong_together(keys, files, err) || !set_up(files, err)) {
        keys_free(keys);
        return false;
    }
    keys->former = atomic_load(&current);
    atomic_store(&current, keys);
    return true;
}

bool tls_is_on(void) { return atomic_load(&current) != NULL; }
const char *tls_client_ca(void) { return client_ca; }

void *tls_retrieve(void) {
    gnutls_certificate_retrieve_function2 *function = retrieve;
    void *pointer;
    memcpy(&pointer, &function, sizeof pointer);
    return pointer;
}

bool tls_client_is_welcome(void *session) {
    unsigned status = 1;
    return !client_ca || (gnutls_certificate_verify_peers2(session, &status) == 0 && status == 0);
}

/* ---- sessions --------------------------------------------------------------------------------------------------- */

TlsConn *tls_accept(int fd) {
    TlsConn *tls = calloc(1, sizeof *tls);
    if (!tls || gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
        free(tls);
        return NULL;
    }
    gnutls_priority_set(tls->session, priorities);
    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_certificate_server_set_request(tls->session, client_ca ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
    if (client_ca) {
        gnutls_session_set_verify_cert(tls->session, NULL, 0);
    }
    gnutls_transport_set_int(tls->session, fd);
    return tls;
}

void tls_free(TlsConn *tls) {
    if (tls) {
        if (tls->open) {
            (void)gnutls_bye(tls->session, GNUTLS_SHUT_WR);
        }
        gnutls_deinit(tls->session);
        free(tls);
    }
}

static ssize_t outcome(ssize_t code) {
    if (code >= 0) {
        return code;
    }
    errno = code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED ? EAGAIN : EPROTO;
    return -1;
}

ssize_t tls_recv(TlsConn *tls, void *at, size_t bytes) {
    if (!tls->open) {
        int code = gnutls_handshake(tls->session);
        if (code != 0) {
            errno = gnutls_error_is_fatal(code) ? EPROTO : EAGAIN;
            return -1;
        }
        tls->open = true;
    }
    ssize_t n = gnutls_record_recv(tls->session, at, bytes);
    return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : outcome(n);
}

/* After EAGAIN GnuTLS wants the very same bytes again, which is what the caller sends anyway. */
ssize_t tls_send(TlsConn *tls, const void *at, size_t bytes) { return outcome(gnutls_record_send(tls->session, at, bytes)); }

bool tls_pending(const TlsConn *tls) { return gnutls_record_check_pending(tls->session) > 0; }
