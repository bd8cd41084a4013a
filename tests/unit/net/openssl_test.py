#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS of server and channel against OpenSSL's own client and server: what must come about, and what
must not. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

OPENSSL = shutil.which("openssl")
if OPENSSL is None:
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)

BUILD = os.environ.get("top_builddir", os.path.join(os.path.dirname(__file__), "../../.."))
SERVE = os.path.join(BUILD, "tests/unit/net/serve")
DIAL = os.path.join(BUILD, "tests/unit/net/dial")
WAIT = 30
OLD = ["-cipher", "ALL:@SECLEVEL=0"]  # what the old versions need to be spoken at all
# sentence, arguments of s_client, 1 where it must come about
CLIENTS = [
    ("TLS 1.3", ["-tls1_3", "-alpn", "h2"], 1),
    ("TLS 1.2", ["-tls1_2", "-alpn", "h2"], 1),
    ("TLS 1.1", ["-tls1_1", "-alpn", "h2"] + OLD, 0),
    ("TLS 1.0", ["-tls1", "-alpn", "h2"] + OLD, 0),
    ("h2 among others", ["-alpn", "http/1.1,h2"], 1),
    ("another protocol", ["-alpn", "http/1.1"], 0),
    ("no ALPN in 1.3", ["-tls1_3"], 0),
    ("no ALPN in 1.2", ["-tls1_2"], 0),
    ("compression asked for", ["-tls1_2", "-comp", "-alpn", "h2"], 1),
    ("1.3 with AES 128", ["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-alpn", "h2"], 1),
    ("1.3 with ChaCha20", ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "-alpn", "h2"], 1),
] + [("1.2 with " + name, ["-tls1_2", "-alpn", "h2", "-cipher", name + ":@SECLEVEL=0"], fine)
     for name, fine in (("ECDHE-ECDSA-AES128-GCM-SHA256", 1), ("ECDHE-ECDSA-AES256-GCM-SHA384", 1),
                        ("ECDHE-ECDSA-CHACHA20-POLY1305", 1), ("ECDHE-ECDSA-AES128-SHA256", 0),
                        ("ECDHE-ECDSA-AES128-SHA", 0), ("ECDHE-ECDSA-AES128-CCM", 0),
                        ("AES128-GCM-SHA256", 0), ("AES128-SHA", 0), ("AECDH-AES128-SHA", 0))]


class Certificates:
    """Authorities and what they signed, in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.sign("ca", "/CN=authority", None, [])
        self.sign("other", "/CN=other authority", None, [])
        self.sign("server", "/CN=server", "ca", ["DNS:localhost", "IP:127.0.0.1"])
        self.sign("rsa", "/CN=server", "ca", ["DNS:localhost"], kind="rsa:2048")
        self.sign("elsewhere", "/CN=server", "ca", ["DNS:elsewhere.example"])
        self.sign("foreign", "/CN=server", "other", ["DNS:localhost"])
        self.sign("own", "/CN=localhost", None, ["DNS:localhost"])
        self.sign("client", "/CN=client", "ca", ["DNS:client.example"])

    def path(self, name, end="pem"):
        return os.path.join(self.directory, "%s.%s" % (name, end))

    def pair(self, name):
        return [self.path(name), self.path(name, "key")]

    def sign(self, name, subject, issuer, alts, kind="ec"):
        key = ["-newkey", kind, "-nodes", "-keyout", self.path(name, "key")]
        if kind == "ec":
            key += ["-pkeyopt", "ec_paramgen_curve:prime256v1"]
        alt = ["-addext", "subjectAltName=" + ",".join(alts)] if alts else []
        if issuer is None:
            openssl(["req", "-x509", "-days", "2", "-subj", subject, "-out", self.path(name)] + key
                    + alt)
            return
        openssl(["req", "-subj", subject, "-out", self.path(name, "csr")] + key + alt)
        openssl(["x509", "-req", "-days", "2", "-in", self.path(name, "csr"), "-copy_extensions",
                 "copyall", "-CA", self.path(issuer), "-CAkey", self.path(issuer, "key"), "-out",
                 self.path(name)])


def openssl(arguments):
    subprocess.run([OPENSSL] + arguments, check=True, timeout=WAIT, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Server:
    """Our server, as long as its standard input is open."""

    def __init__(self, *tls):
        self.process = subprocess.Popen([SERVE, "localhost:0", *tls], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.said = ""

    def stop(self):
        out, self.said = self.process.communicate(timeout=WAIT)
        words = out.split()
        assert self.process.returncode == 0, self.process.returncode
        return {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}

    def client(self, ca, arguments, stay=False, say=""):
        """The exit code of s_client, and what it said. stay: until the server hangs up."""
        done = subprocess.run(
            [OPENSSL, "s_client", "-connect", "localhost:%d" % self.port, "-CAfile", ca,
             "-servername", "localhost", "-verify_hostname", "localhost", "-verify_return_error"]
            + arguments + (["-ign_eof"] if stay else []),
            input=say, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT, text=True,
            errors="replace")
        return done.returncode, done.stdout


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def each_client(certs, name, arguments, fine):
    server = Server(*certs.pair("server"))
    code, said = server.client(certs.path("ca"), arguments, stay=not fine)
    numbers = server.stop()
    check((code == 0) == bool(fine), said)
    check(numbers["refused"] == (0 if fine else 1), "%r\n%s" % (numbers, said))
    if fine:
        check("ALPN protocol: h2" in said and "Verify return code: 0 (ok)" in said, said)
        check("Compression: NONE" in said, said)
        check("Session-ID: \n" in said or "Session-ID:" not in said or "TLS session ticket" not in
              said, said)
    else:
        check(server.said.count("net.grpc") >= 1, "no reason in the log: " + server.said)


def until_settings(process):
    """What s_client has printed up to our SETTINGS: bytes that come later would be in its way."""
    said = b""
    while True:
        place = said.rfind(b"\n---\n")
        if place >= 0 and b"Verify return code" in said[:place] and len(said) > place + 5 + 9:
            return said
        more = os.read(process.stdout.fileno(), 65536)
        check(more, said.decode(errors="replace"))
        said += more


def renegotiation(certs):
    """s_client takes the letter R for it, where it is not told to read to the end."""
    server = Server(*certs.pair("server"))
    process = subprocess.Popen(
        [OPENSSL, "s_client", "-connect", "localhost:%d" % server.port, "-tls1_2", "-alpn", "h2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = until_settings(process)
        rest, _ = process.communicate(b"R\n", timeout=WAIT)
        said += rest
    finally:
        process.kill()
    server.stop()
    said = said.decode(errors="replace")
    check(process.returncode != 0 and "RENEGOTIATING" in said and "no renegotiation" in said, said)


def resumption(certs):
    server = Server(*certs.pair("server"))
    session = os.path.join(certs.directory, "session")
    for version in ("-tls1_2", "-tls1_3"):
        for way in ("-sess_out", "-sess_in"):
            if way == "-sess_in" and not os.path.exists(session):
                continue
            _, said = server.client(certs.path("ca"), [version, "-alpn", "h2", way, session])
            check("Reused, " not in said and "New, TLSv1" in said, said)
        if os.path.exists(session):
            os.unlink(session)
    server.stop()


def rsa(certs):
    server = Server(*certs.pair("rsa"))
    for arguments in (["-tls1_3"], ["-tls1_2"]):
        code, said = server.client(certs.path("ca"), arguments + ["-alpn", "h2"])
        check(code == 0, said)
    code, said = server.client(certs.path("ca"), ["-tls1_2", "-alpn", "h2", "-cipher",
                                                  "DHE-RSA-AES128-GCM-SHA256"], stay=True)
    check(code != 0, said)
    server.stop()


def clients_with_certificates(certs):
    for version in ("-tls1_3", "-tls1_2"):
        for name, reason in (("client", None), ("foreign", "unable to get local issuer"),
                             (None, "peer did not return a certificate")):
            server = Server(*certs.pair("server"), certs.path("ca"))
            arguments = [version, "-alpn", "h2"]
            if name is not None:
                arguments += ["-cert", certs.path(name), "-key", certs.path(name, "key")]
            code, said = server.client(certs.path("ca"), arguments, stay=reason is not None)
            numbers = server.stop()
            check((code == 0) == (reason is None), said)
            check(numbers["refused"] == (reason is not None), numbers)
            check(reason is None or reason in server.said, server.said)


def dial(certs, server_arguments, client=(), ca="ca"):
    """What our channel says of an s_server with these arguments."""
    process = subprocess.Popen(
        [OPENSSL, "s_server", "-accept", "127.0.0.1:0", "-naccept", "1"] + server_arguments,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace")
    try:
        port = None
        for line in process.stdout:
            found = re.match(r"ACCEPT .*:(\d+)", line)
            if found:
                port = found.group(1)
                break
        check(port is not None, "s_server did not start")
        done = subprocess.run([DIAL, "localhost:" + port, certs.path(ca), *client],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT,
                              text=True)
        check(done.returncode == 0, done.stdout)
        return done.stdout.strip()
    finally:
        process.kill()
        process.communicate()


def shows(certs, name):
    return ["-cert", certs.path(name), "-key", certs.path(name, "key")]


# TLS is through; that s_server knows no HTTP/2 is another matter.
TAKEN = "The peer did not begin to speak HTTP/2."


def servers(certs):
    h2 = ["-alpn", "h2"]
    refused = "The certificate of the peer is refused: "
    rows = [
        (shows(certs, "server") + h2 + ["-tls1_3"], TAKEN),
        (shows(certs, "server") + h2 + ["-tls1_2"], TAKEN),
        (shows(certs, "rsa") + h2, TAKEN),
        (shows(certs, "server") + h2 + ["-tls1_1"] + OLD, "protocol version"),
        (shows(certs, "server") + h2 + ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
         "handshake failure"),
        (shows(certs, "server"), "(ALPN h2)"),
        (shows(certs, "server") + ["-alpn", "http/1.1"], "application protocol"),
        (shows(certs, "elsewhere") + h2, refused + "hostname mismatch"),
        (shows(certs, "foreign") + h2, refused + "unable to get local issuer certificate"),
        (shows(certs, "own") + h2, refused + "self-signed certificate"),
    ]
    for arguments, want in rows:
        said = dial(certs, arguments)
        check(want in said, "%r: %r instead of %r" % (arguments, said, want))


def servers_that_ask(certs):
    asks = shows(certs, "server") + ["-alpn", "h2", "-Verify", "1", "-verify_return_error",
                                     "-CAfile", certs.path("ca"), "-tls1_2"]
    check(dial(certs, asks, certs.pair("client")) == TAKEN, "with a certificate")
    said = dial(certs, asks)
    check("handshake failure" in said, said)
    said = dial(certs, asks, certs.pair("foreign"))
    check("unknown ca" in said, said)


def main():
    directory = tempfile.mkdtemp(prefix="arc-openssl-")
    failed = 0
    try:
        certs = Certificates(directory)
        cases = [("s_client, %s: %s" % (name, "served" if fine else "refused"),
                  lambda name=name, arguments=arguments, fine=fine:
                  each_client(certs, name, arguments, fine)) for name, arguments, fine in CLIENTS]
        cases += [
            ("s_client may not renegotiate", lambda: renegotiation(certs)),
            ("s_client may not resume", lambda: resumption(certs)),
            ("s_client meets an RSA certificate", lambda: rsa(certs)),
            ("s_client shows its certificate, a foreign one, none",
             lambda: clients_with_certificates(certs)),
            ("s_server is taken or refused, with the reason", lambda: servers(certs)),
            ("s_server asks for our certificate", lambda: servers_that_ask(certs)),
        ]
        print("1..%d" % len(cases))
        for number, (sentence, run) in enumerate(cases, 1):
            try:
                run()
                print("ok %d - %s" % (number, sentence), flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print("not ok %d - %s" % (number, sentence))
                for line in str(error).splitlines():
                    print("# " + line)
    finally:
        shutil.rmtree(directory)
    return 1 if failed else 0


sys.exit(main())
