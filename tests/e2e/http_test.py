# SPDX-License-Identifier: Apache-2.0
"""The HTTP and WebSocket door as bytes: what a careless or hostile client may send, and that what
it gets back is the envelope, whatever it was."""
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (Closed, Failure, Refused, Skip, Wire, World, case,  # noqa: E402
                     check, check_envelope, program, run_cases, same, wait_until)

ORIGIN = "https://ci.example.org"


def make_world():
    world = World(http_origins=[ORIGIN], store="mem:")
    world.start_server()
    return world


def exchange(world, data):
    wire = Wire(world.http_port)
    try:
        wire.send(data)
        return wire.response()
    finally:
        wire.close()


def refused(world, data, status, path=None):
    """The bytes are refused with the envelope, and the connection ends."""
    wire = Wire(world.http_port)
    wire.send(data)
    response = wire.response()
    check(response is not None, "no answer to %r" % data[:80])
    got, headers, body = response
    same(got, status, "status of %r" % data[:80])
    envelope = json.loads(body)
    check_envelope(got, headers, body, envelope["path"])
    if path is not None:
        same(envelope["path"], path, "path")
    same(headers.get("connection"), "close", "connection")
    check(wire.is_closed(), "the connection stays open after %r" % data[:80])
    wire.close()


def get(path="/health", extra=""):
    return "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, extra)


@case("several requests go over one connection, in order")
def keep_alive(world):
    wire = Wire(world.http_port)
    for _ in range(3):
        wire.send(get())
        same(wire.response()[0], 200, "status")
    wire.close()


@case("requests that are sent without waiting are answered in order")
def pipelining(world):
    wire = Wire(world.http_port)
    wire.send(get("/health") + get("/api/v1/version") + get("/nowhere") + get("/health"))
    same([wire.response()[0] for _ in range(4)], [200, 200, 401, 200], "statuses")
    wire.close()


@case("a request may come one byte at a time")
def one_byte(world):
    wire = Wire(world.http_port)
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in get().encode():
        wire.send(bytes([byte]))
    same(wire.response()[0], 200, "status")
    wire.close()


@case("HTTP/1.0 is answered and the connection closed")
def http_1_0(world):
    wire = Wire(world.http_port)
    wire.send("GET /health HTTP/1.0\r\n\r\n")
    same(wire.response()[0], 200, "status")
    check(wire.is_closed(), "it stays open")


@case("HEAD is answered like GET, without the body")
def head(world):
    wire = Wire(world.http_port)
    wire.send("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n" + get())
    status, headers, _ = wire.response(head_only=True)
    same(status, 200, "status")
    check(int(headers["content-length"]) > 0, "the length is told")
    same(wire.response()[0], 200, "the next one")
    wire.close()


@case("an absolute address is understood")
def absolute(world):
    same(exchange(world, "GET http://some.host/health HTTP/1.1\r\nHost: x\r\n\r\n")[0], 200,
         "status")


@case("a POST without a body and without a length is a whole request")
def post_without_body(world):
    wire = Wire(world.http_port)
    wire.send("POST /api/v1/nowhere HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
              % world.token)
    same(wire.response()[0], 404, "status")
    wire.send(get())
    same(wire.response()[0], 200, "the next one")
    wire.close()


@case("what is not HTTP is refused with the envelope")
def not_http(world):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                 b"hello\r\n\r\n", b"GET\r\n\r\n", b"GET /health\r\n\r\n",
                 b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /health HTTP/1.1 \r\nHost: x\r\n\r\n",
                 b"GET /he\x80alth HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET health HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"G\x00T /health HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
        refused(world, data, 400)
    refused(world, "GET /health HTTP/2.0\r\nHost: x\r\n\r\n", 505)
    refused(world, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)


@case("bare line feeds, folded lines and blanks before a colon are refused")
def smuggling_lines(world):
    refused(world, "GET /health HTTP/1.1\nHost: x\n\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost : x\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n", 400)


@case("two lengths, or a length beside a transfer coding, are refused")
def smuggling_lengths(world):
    post = "POST /api/v1/validate HTTP/1.1\r\nHost: x\r\n"
    refused(world, post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400)
    refused(world, post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400)
    refused(world, post + "Content-Length: +2\r\n\r\n{}", 400)
    refused(world, post + "Content-Length: 2, 2\r\n\r\n{}", 400)
    refused(world, post + "Content-Length: 0x2\r\n\r\n{}", 400)
    refused(world, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400)
    refused(world, post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501)
    refused(world, post.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n", 400)


@case("no host, two hosts and two credentials are refused")
def doubles(world):
    refused(world, "GET /health HTTP/1.1\r\n\r\n", 400)
    refused(world, "GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400)
    refused(world, get(extra="Authorization: Bearer a\r\nauthorization: Bearer b\r\n"), 400)


@case("heads, addresses and header counts have a limit")
def limits(world):
    refused(world, get("/" + "a" * 9000), 414)
    refused(world, get(extra="A: %s\r\n" % ("b" * 20000)), 431)
    refused(world, get(extra="A: b\r\n" * 101), 431)
    refused(world, b"x" * 20000, 431)


@case("a length over the limit is a 413 before the body is read")
def long_length(world):
    refused(world, "POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n",
            413, "/api/v1/validate")
    refused(world, "POST /api/v1/validate HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 999999999999999\r\n\r\n", 413)


@case("a body over the limit is a 413 that the sender gets to read")
def long_body(world):
    wire = Wire(world.http_port)
    wire.send("POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n")
    try:
        for _ in range(128):
            wire.send(b" " * 65536)
    except OSError:
        pass
    status, headers, body = wire.response()
    same(status, 413, "status")
    check_envelope(status, headers, body, "/api/v1/validate")
    wire.close()


@case("a chunked body over the limit is a 413")
def long_chunks(world):
    wire = Wire(world.http_port)
    wire.send("POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    try:
        for _ in range(80):
            wire.send(chunk)
    except OSError:
        pass
    same(wire.response()[0], 413, "status")
    wire.close()


@case("a chunked body is read, and broken chunks are refused")
def chunks(world):
    head = ("POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" % world.token)
    text = json.dumps({"text": "namespace: a\njobs:\n- name: j\n  steps:\n  - name: s\n"
                               "    run: echo\n", "format": "yaml"})
    cut = "".join("%x\r\n%s\r\n" % (len(part), part) for part in (text[:7], text[7:]))
    wire = Wire(world.http_port)
    wire.send(head + cut + "0\r\nTrailer: x\r\n\r\n" + get())
    status, headers, body = wire.response()
    same(status, 200, "status of %s" % body)
    same(wire.response()[0], 200, "the request behind it")
    wire.close()
    for broken in ("z\r\n", "2\n{}\r\n0\r\n\r\n", "2\r\n{}0\r\n\r\n", "2\r\n{}\n0\r\n\r\n",
                   "\r\n", "-2\r\n{}\r\n", "fffffffffffff\r\n", "2;%s\r\n" % ("x" * 100)):
        refused(world, head + broken, 400)


@case("a client that waits for 100 Continue gets it")
def expect(world):
    wire = Wire(world.http_port)
    wire.send("POST /api/v1/nowhere HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
              "Content-Type: application/json\r\nContent-Length: 2\r\n"
              "Expect: 100-continue\r\n\r\n" % world.token)
    same(wire.response()[0], 100, "the interim status")
    wire.send("{}")
    same(wire.response()[0], 404, "status")
    wire.close()
    refused(world, get(extra="Expect: tea\r\n"), 417)


@case("unknown methods and paths are answered with the envelope")
def unknown(world):
    for line, want in (("BREW /api/v1/pipelines", (404, 405)), ("TRACE /health", (404, 405)),
                       ("CONNECT x:80", (400,)), ("GET /nowhere", (404,)),
                       ("GET /api/v1/pipelines/../../health", (404, 401)),
                       ("GET /%2e%2e/etc/passwd", (404,)), ("GET /health%00", (404, 400)),
                       ("GET /%zz", (404, 400)), ("OPTIONS *", (404,)), ("GET /ws", (404,))):
        response = exchange(world, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
                            % (line, world.token))
        check(response is not None, "no answer to " + line)
        check(response[0] in want, "%s: %d %s" % (line, response[0], response[2]))
        check_envelope(response[0], response[1], response[2], json.loads(response[2])["path"])


@case("a request to speak HTTP/2 is not taken up")
def no_h2c(world):
    response = exchange(world, get(extra="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                         "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"))
    same(response[0], 200, "status")
    response = exchange(world, get(extra="Connection: Upgrade\r\nUpgrade: tea\r\n"))
    same(response[0], 200, "status")


@case("pages of listed origins may call, others may not")
def origins(world):
    preflight = ("OPTIONS /api/v1/pipelines HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n"
                 "Access-Control-Request-Method: POST\r\n\r\n")
    status, headers, _ = exchange(world, preflight % ORIGIN)
    same((status, headers.get("access-control-allow-origin")), (204, ORIGIN), "preflight")
    for other in ("https://evil.example", ORIGIN + ".evil.example", ORIGIN + ":444", "null",
                  ORIGIN.upper()):
        same(exchange(world, preflight % other)[0], 403, other)
        answer = exchange(world, get(extra="Origin: %s\r\n" % other))
        check("access-control-allow-origin" not in answer[1], other)
    answer = exchange(world, get(extra="Origin: %s\r\n" % ORIGIN))
    same(answer[1].get("access-control-allow-origin"), ORIGIN, "a plain call")
    check("access-control-allow-credentials" not in answer[1], "no cookies")


@case("a client that stops in the middle of a request does not hold it for ever")
def slow(world):
    wire = Wire(world.http_port)
    wire.send("GET /health HTTP/1.1\r\nHo")
    begun = time.monotonic()
    status, headers, body = wire.response()
    same(status, 408, "status")
    check(time.monotonic() - begun < 30, "it took too long")
    check_envelope(status, headers, body, "")
    wire.close()


@case("clients that go away in the middle of anything leave the server well")
def gone(world):
    for data in ("", "GET", get() * 50,
                 "POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
                 "GET /api/v1/ws HTTP/1.1\r\n"):
        for _ in range(5):
            wire = Wire(world.http_port)
            wire.send(data)
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.close()
    same(exchange(world, get())[0], 200, "status")


# --- WebSocket -----------------------------------------------------------------------------------

def ws_refused(world, status, **how):
    try:
        world.ws(**how).close()
    except Refused as refusal:
        same(refusal.status, status, "status of %r" % how)
        check_envelope(refusal.status, refusal.headers, refusal.body, "/api/v1/ws")
        return refusal
    raise Failure("the handshake was accepted: %r" % how)


@case("a WebSocket takes its token from the header or as the second protocol")
def ws_tokens(world):
    ws = world.ws()
    same(ws.protocol, None, "protocol")
    ws.send("{}")
    same(ws.message()["type"], "error", "an answer")
    ws.close()
    for origin in (ORIGIN, None):  # a program names no origin, a browser always does
        ws = world.ws(in_protocol=True, origin=origin)
        same(ws.protocol, "arcentra.v1", "protocol")
        ws.send("{}")
        same(ws.message()["type"], "error", "an answer")
        ws.close()
    # A protocol that the client has not offered would make it end the connection.
    ws = world.ws(headers=["Sec-WebSocket-Protocol: other"])
    same(ws.protocol, None, "protocol")
    ws.close()


@case("a WebSocket without a good token is refused with 401")
def ws_no_token(world):
    refusal = ws_refused(world, 401, token=None)
    same(refusal.headers.get("www-authenticate"), "Bearer", "www-authenticate")
    ws_refused(world, 401, token="arct_wrong")
    ws_refused(world, 401, token="arct_wrong", in_protocol=True, origin=ORIGIN)
    ws_refused(world, 401, token="arct_wrong", in_protocol=True)
    ws_refused(world, 401, token=None, headers=["Cookie: token=" + world.token])
    try:
        world.ws(path="/api/v1/ws?token=" + world.token, token=None)
        raise Failure("a token in the address was taken")
    except Refused as refusal:
        same(refusal.status, 401, "status")


@case("a page of another origin cannot open a WebSocket, whatever its token")
def ws_origin(world):
    for other in ("https://evil.example", "null", ORIGIN + ".evil.example",
                  "http://ci.example.org"):
        ws_refused(world, 403, origin=other)
        ws_refused(world, 403, origin=other, in_protocol=True)
    world.ws(origin=ORIGIN).close()


@case("a handshake that is none is refused with the envelope")
def ws_handshake(world):
    auth = "Authorization: Bearer %s\r\n" % world.token
    up = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    refused(world, get("/api/v1/ws", auth), 426, "/api/v1/ws")
    refused(world, get("/api/v1/ws", auth + up + key), 426)
    refused(world, get("/api/v1/ws", auth + up + key + "Sec-WebSocket-Version: 8\r\n"), 426)
    refused(world, get("/api/v1/ws", auth + up + "Sec-WebSocket-Version: 13\r\n"), 400)
    refused(world, get("/api/v1/ws", auth + up + "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: short\r\n"), 400)
    refused(world, get("/api/v1/ws", auth + up + key + "Sec-WebSocket-Version: 13\r\n")
            .replace("GET", "POST"), 405)


@case("a message may come in fragments, with a ping between them")
def ws_fragments(world):
    ws = world.ws()
    ws.frame(1, b'{"chan', final=False)
    ws.frame(9, b"are you there")
    ws.frame(0, b'nel":"x"}')
    same(ws.message()["error"], "unknown channel: x", "the answer")
    same(list(ws.texts), [("pong", b"are you there")], "the pong")
    ws.close()


def closed_with(ws, code):
    try:
        while True:
            ws.text()
    except Closed as end:
        same(end.code, code, "close code")


@case("a message that is too long or in too many pieces ends the connection")
def ws_limits(world):
    ws = world.ws()
    ws.frame(1, b" " * 65537)
    closed_with(ws, 1009)
    ws = world.ws()
    for index in range(65):
        ws.frame(1 if index == 0 else 0, b" ", final=False)
    closed_with(ws, 1008)
    ws = world.ws()
    ws.frame(2, b"{}")
    closed_with(ws, 1003)


@case("text that is not UTF-8 never reaches the library")
def ws_utf8(world):
    ws = world.ws()
    ws.frame(1, b'{"channel":"\xc0\xaf"}')
    try:
        message = ws.message()
        same(message["type"], "error", "an answer")
    except Closed as end:
        check(end.code in (1007, None), "close code %r" % end.code)
    ws.close()


@case("a frame without a mask ends the connection")
def ws_unmasked(world):
    ws = world.ws()
    ws.send("{}")
    same(ws.message()["type"], "error", "an answer")
    ws.frame(1, b"{}", mask=False)
    closed_with(ws, 1002)


@case("a client that closes is answered with a close")
def ws_close(world):
    ws = world.ws()
    ws.frame(8, struct.pack(">H", 1000) + b"bye")
    closed_with(ws, 1000)


@case("more than 50 messages a second end with 1008")
def ws_flood(world):
    ws = world.ws()
    # In one write: what is sent to a closed connection could take the close frame with it.
    ws.frame(1, b"{}", times=100)
    closed_with(ws, 1008)


@case("frames that break the protocol end the connection and nothing else")
def ws_broken(world):
    for frame in ((3, {}), (11, {}), (0, {}), (9, {"final": False})):
        ws = world.ws()
        ws.frame(frame[0], b"x", **frame[1])
        try:
            while True:
                ws.text()
        except Closed:
            pass
        ws.close()
    ws = world.ws()
    ws.send("{}")
    same(ws.message()["type"], "error", "an answer")
    ws.close()


@case("many connections at once are all served")
def many(world):
    wires = [Wire(world.http_port) for _ in range(200)]
    for wire in wires:
        wire.send(get())
    same([wire.response()[0] for wire in wires], [200] * 200, "statuses")
    for wire in wires:
        wire.close()


@case("a reader that stalls holds up nobody")
def stalled(world):
    wire = Wire(world.http_port)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        wire.socket.settimeout(1)
        for _ in range(20000):
            wire.send(get("/api/v1/nowhere"))
    except OSError:
        pass
    begun = time.monotonic()
    same(exchange(world, get())[0], 200, "another")
    check(time.monotonic() - begun < 5, "another had to wait")
    wire.close()


@case("HTTP and WebSocket speak TLS, 1.2 or newer, when a certificate is set")
def tls(_):
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Skip("openssl is not installed")
    with tempfile.TemporaryDirectory() as directory:
        cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                        "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        world = World(store="mem:", http_tls_cert=cert, http_tls_key=key)
        try:
            world.start_server()
            context = ssl.create_default_context(cafile=cert)
            context.set_alpn_protocols(["h2", "http/1.1"])
            wire = Wire(world.http_port, context)
            same(wire.socket.selected_alpn_protocol(), "http/1.1", "the protocol")
            for _ in range(2):
                wire.send(get())
                same(wire.response()[0], 200, "status")
            wire.send("POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n"
                      "\r\n" + " " * 300000)
            same(wire.response()[0], 401, "a long body")
            wire.close()
            ws = world.ws(tls=context)
            ws.send("{}")
            same(ws.message()["type"], "error", "an answer")
            ws.send(" " * 60000)
            same(ws.message()["error"], "message must be a JSON object", "a long message")
            ws.frame(8, struct.pack(">H", 1000))
            closed_with(ws, 1000)
            plain = Wire(world.http_port)
            plain.send(get())
            check(plain.is_closed() or plain.buffer[:5] != b"HTTP/", "plaintext was answered")
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            try:
                Wire(world.http_port, old)
                raise Failure("TLS 1.1 was taken")
            except (ssl.SSLError, OSError):
                pass
            world.server.popen.terminate()
            same(world.server.wait(), 0, "exit code")
            same(world.sanitizer_reports(), [], "sanitizers")
            world.settings["http_tls_key"] = cert
            bad = world.start("bad-key", [
                program("arcentrad"), "--store", "mem:", "--data", world.settings["data"],
                "--http-listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0", "--http-tls-cert",
                cert, "--http-tls-key", cert])
            same(bad.wait(), 1, "a key that is none")
            check(cert in bad.text(), "it is named: " + bad.text())
        finally:
            world.close()


@case("without a host every address is listened on, and plaintext there is warned of")
def every_address(_):
    world = World(store="mem:", http_listen=":0", grpc_listen=":0")
    try:
        world.start_server()
        for host in ("127.0.0.1", "::1"):
            try:
                wire = Wire(world.http_port, host=host)
            except OSError:
                check(host == "::1", "IPv4 is always there")
                continue
            wire.send(get())
            same(wire.response()[0], 200, host)
            wire.close()
        text = world.server.text()
        check("HTTP is plaintext" in text and "gRPC is plaintext" in text, text)
    finally:
        world.close()


@case("a second signal ends the server at once")
def second_signal(_):
    world = World(store="mem:", drain_timeout="60s")
    try:
        world.start_server()
        wire = Wire(world.http_port)
        wire.send("POST /api/v1/validate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        wait_until(lambda: wire_is_known(world), "the connection to be taken")
        world.server.popen.terminate()
        wait_until(lambda: "Signal TERM" in world.server.text(), "the drain to begin")
        check(world.server.alive(), "it waits for what is open")
        begun = time.monotonic()
        world.server.popen.send_signal(signal.SIGINT)
        same(world.server.wait(), 0, "exit code")
        check(time.monotonic() - begun < 10, "it waited on")
        wire.close()
    finally:
        world.close()


@case("when descriptors run out, newcomers wait and the rest goes on")
def descriptors(_):
    if shutil.which("prlimit") is None:
        raise Skip("prlimit is not installed")
    world = World(store="mem:")
    try:
        world.start_server()
        number = len(os.listdir("/proc/%d/fd" % world.server.pid)) + 4
        subprocess.run(["prlimit", "--pid", str(world.server.pid), "--nofile=%d" % number],
                       check=True)
        wires = [Wire(world.http_port) for _ in range(12)]
        wires[0].send(get())
        same(wires[0].response()[0], 200, "the first")
        wait_until(lambda: "has to wait" in world.server.text(), "the shortage to be told")
        check(world.server.text().count("has to wait") < 30, "it is told again and again")
        wires[11].send(get())
        for wire in wires[:11]:
            wire.close()
        same(wires[11].response()[0], 200, "the last, once there is room")
        wires[11].close()
    finally:
        world.close()


def wire_is_known(world):
    """The server has accepted: another request on a connection made later is answered."""
    return exchange(world, get())[0] == 200


@case("TERM lets what is open end, closes WebSockets with 1001, exits with 0")
def drain(world):
    ws = world.ws()
    idle = Wire(world.http_port)
    idle.send(get())
    same(idle.response()[0], 200, "status")
    world.server.popen.terminate()
    closed_with(ws, 1001)
    check(idle.is_closed(), "the idle connection stays")
    same(world.server.wait(), 0, "exit code")
    same(world.sanitizer_reports(), [], "sanitizers")


if __name__ == "__main__":
    run_cases(make_world)
