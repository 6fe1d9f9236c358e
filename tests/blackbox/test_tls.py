"""Both ports with TLS: real certificates, a renewal without a restart, certificates of clients."""

import signal
import ssl
import socket
import subprocess
import time

import hms
import pytest
import requests
from conftest import BINARY, running
from thrift.transport import TSSLSocket


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_ca(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")


def make_certificate(folder, ca, name, serial):
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-set_serial", str(serial), "-days", "2",
            "-extfile", "ext", "-out", f"{name}.pem")
    for end in ("key", "pem"):
        (folder / f"{name}.{end}").chmod(0o644)  # the server may run as somebody else


def open_up(folder):
    """The server may run as somebody else."""
    for parent in [folder, *folder.parents]:
        if parent.name.startswith(("pytest-", "popen-", "test_", "pki")):
            parent.chmod(0o755)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    open_up(folder)
    make_ca(folder, "ca")
    make_ca(folder, "other")
    make_certificate(folder, "ca", "server", 1001)
    make_certificate(folder, "ca", "client", 1002)
    make_certificate(folder, "other", "stranger", 1003)
    return folder


def flags(pki, *more):
    return ["--set", f"tls.certificate={pki}/server.pem", "--set", f"tls.key={pki}/server.key", *more]


def thrift_client(server, pki, certificate=None):
    host, port = server.thrift.rsplit(":", 1)
    sock = TSSLSocket.TSSLSocket(host, int(port), ca_certs=str(pki / "ca.pem"), cert_reqs=ssl.CERT_REQUIRED,
                                 certfile=str(pki / f"{certificate}.pem") if certificate else None,
                                 keyfile=str(pki / f"{certificate}.key") if certificate else None)
    sock.setTimeout(20000)
    return hms.Client(server.thrift, socket=sock)


def serial_of(address):
    host, port = address.rsplit(":", 1)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port)), 10) as sock, context.wrap_socket(sock) as tls:
        pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
    out = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True, check=True).stdout
    return int(out.strip().split("=")[1], 16)


def test_both_ports(pki):
    with running(*flags(pki)) as server:
        base = server.base.replace("http://", "https://")
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(pki / "ca.pem")
            assert session.get(base + "/api/v1/catalogs/hive/databases", timeout=20).json()["items"][0]["name"] == "default"
            body = {"name": "wide", "columns": [{"name": f"c{i}", "type": "string", "comment": "x" * 200} for i in range(2000)]}
            assert session.post(base + "/api/v1/catalogs/hive/databases/default/tables", json=body, timeout=20).status_code == 201
        client = thrift_client(server, pki)
        for _ in range(20):  # larger than a record of TLS, both ways
            assert len(client.get_table("default", "wide").sd.cols) == 2000
            assert client.set_ugi("ann", ["g" * 100] * 500)[-1] == "ann"
        client.close()
        assert subprocess.run([BINARY, "--server", base, "db", "list"], capture_output=True, text=True,
                              env={"PROPOLIS_CA": str(pki / "ca.pem"), "HOME": "/nonexistent"}, timeout=30).stdout.count("default")
        # whoever does not speak TLS gets nothing
        with pytest.raises(requests.RequestException):
            requests.get(server.base + "/healthz", timeout=10)
        with pytest.raises(Exception):
            with hms.connected(server, timeout=10) as plain:
                plain.getStatus()
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(base + "/healthz", timeout=10)


def test_many_clients_with_pipelined_calls(pki):
    with running(*flags(pki)) as server:
        host, port = server.thrift.rsplit(":", 1)
        context = ssl.create_default_context(cafile=str(pki / "ca.pem"))
        calls = b"".join(b"\x80\x01\x00\x01\x00\x00\x00\x07getName" + i.to_bytes(4, "big") + b"\x00" for i in range(200))
        for _ in range(5):
            with socket.create_connection((host, int(port)), 20) as sock, context.wrap_socket(sock, server_hostname="localhost") as tls:
                tls.sendall(calls)
                answer = b""
                while answer.count(b"hivemetastore") < 200:
                    piece = tls.recv(65536)
                    assert piece
                    answer += piece


def test_renewal_without_a_restart(pki, tmp_path):
    open_up(tmp_path)
    for name in ("server.pem", "server.key", "ca.pem", "ca.key"):
        (tmp_path / name).write_bytes((pki / name).read_bytes())
        (tmp_path / name).chmod(0o644)
    with running(*flags(tmp_path)) as server:
        client = thrift_client(server, pki)
        assert serial_of(server.thrift) == serial_of(server.base[7:]) == 1001
        make_certificate(tmp_path, "ca", "server", 2002)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while serial_of(server.thrift) != 2002 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert serial_of(server.thrift) == serial_of(server.base[7:]) == 2002
        assert client.getStatus() == 2  # what is open goes on
        server.expect_log("The certificate was not reloaded")
        (tmp_path / "server.key").write_bytes((pki / "client.key").read_bytes())
        server.process.send_signal(signal.SIGHUP)
        while "was not reloaded" not in server.log() and time.monotonic() < deadline + 20:
            time.sleep(0.1)
        assert serial_of(server.thrift) == 2002
        client.close()


def test_certificates_of_clients(pki):
    with running(*flags(pki, "--set", f"tls.client_ca={pki}/ca.pem")) as server:
        base = server.base.replace("http://", "https://") + "/healthz"
        mine, strange = (str(pki / "client.pem"), str(pki / "client.key")), (str(pki / "stranger.pem"), str(pki / "stranger.key"))
        assert requests.get(base, verify=str(pki / "ca.pem"), cert=mine, timeout=20).status_code == 200
        client = thrift_client(server, pki, "client")
        assert client.getStatus() == 2
        client.close()
        for cert in (None, strange):
            with pytest.raises(requests.RequestException):
                requests.get(base, verify=str(pki / "ca.pem"), cert=cert, timeout=20)
        for name in (None, "stranger"):
            with pytest.raises(Exception):
                thrift_client(server, pki, name).getStatus()


def test_files_that_do_not_fit(pki, tmp_path):
    (tmp_path / "none.pem").write_text("hello")
    for certificate, key, says in ((pki / "server.pem", pki / "client.key", "is not that of the certificate"),
                                   (tmp_path / "none.pem", pki / "server.key", "cannot be used for TLS"),
                                   (pki / "absent.pem", pki / "server.key", "cannot be used for TLS"),
                                   (pki / "server.pem", tmp_path / "none.pem", "cannot be used for TLS")):
        done = subprocess.run([BINARY, "serve", "--data-dir", str(tmp_path / "data"), "--http-port", "0", "--thrift-port", "0",
                   "--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}"], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and says in done.stderr
