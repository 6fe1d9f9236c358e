#include "config/config.h"
#include "server/server.h"
#include "server/tls.h"

static const char *plain_host(Str listen) {
    bool every = str_eq(listen, STR("0.0.0.0")) || str_eq(listen, STR("::"));
    return every ? "127.0.0.1" : NULL;
}

void banner_print(const Config *config, AuthMode mode, uint16_t http_port, uint16_t thrift_port, bool made_token) {
    const char *instead = plain_host(config->listen);
    Str host = instead ? str_from(instead) : config->listen;
    bool six = str_has_char(host, ':');
    char url[320];
    snprintf(url, sizeof url, "%s://%s%" STR_FMT "%s:%u", tls_is_on() ? "https" : "http", six ? "[" : "", STR_ARG(host),
             six ? "]" : "", (unsigned)http_port);
    char thrift[320];
    snprintf(thrift, sizeof thrift, "%s%" STR_FMT "%s:%u", six ? "[" : "", STR_ARG(host), six ? "]" : "", (unsigned)thrift_port);
    const char *curl_login = "", *cli_login = "";
    printf(
        "\nPropolis %s\n  REST API   %s/api/v1   (described by %s/openapi.yaml)\n  metastore  thrift://%s   (hive.metastore.uris%s)\n"
        "  data       %" STR_FMT "\n  warehouse  %" STR_FMT "\n",
        SERVER_VERSION, url, url, thrift, tls_is_on() ? ", hive.metastore.use.SSL" : "", STR_ARG(config->data_dir),
        STR_ARG(config->warehouse));
    if (mode == AUTH_REQUIRED) {
        printf("  login      needed%s\n",
               made_token ? "; the first admin's token is in the file admin.token of the data directory" : "");
        curl_login = " -H \"Authorization: Bearer $PROPOLIS_TOKEN\"";
        cli_login = "  # with the token in PROPOLIS_TOKEN";
    }
    if (mode == AUTH_OPEN && !config_is_local(config)) {
        printf("  login      none: whoever reaches this port may do everything (auth.mode: open)\n");
    }
    printf("\nTry:\n  curl%s %s/api/v1/catalogs/hive/databases\n", curl_login, url);
    printf("  curl%s -X POST -H 'Content-Type: application/json' -d '{\"name\":\"sales\"}' %s/api/v1/catalogs/hive/databases\n",
           curl_login, url);
    printf("  propolis --server %s db list%s\n\n", url, cli_login);
    /* One line for scripts, always the last of the start. */
    printf("propolis: ready http=%s%" STR_FMT "%s:%u thrift=%s\n", six ? "[" : "", STR_ARG(host), six ? "]" : "",
           (unsigned)http_port, thrift);
    fflush(stdout);
}
