# SPDX-License-Identifier: Apache-2.0
"""Connections that do nothing: just enough HTTP/2 to open one, and one stream on it, and to answer
what a server asks of a peer that is alive."""
import selectors
import socket
import ssl
import time

import bodies

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEADLINE_S = 60


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + \
        payload


def block(fields):
    """HPACK without its tables and without Huffman: every field a literal that is not indexed."""
    out = b""
    for name, value in fields:
        assert len(name) < 127 and len(value) < 127
        out += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return out


def opening(scheme):
    fields = [(":method", "POST"), (":scheme", scheme), (":path", bodies.OPEN),
              (":authority", "localhost"), ("te", "trailers"),
              ("content-type", "application/grpc")]
    return frame(HEADERS, END_HEADERS, 1, block(fields)) + \
        frame(DATA, 0, 1, bodies.frame(bodies.sum_request(1, 2)))


class Connection:
    """One connection: ready once both SETTINGS are acknowledged, answered once the stream's first
    reply came."""

    def __init__(self, port, context):
        self.ready = self.answered = False
        self.unread = b""
        self.scheme = "https" if context else "http"
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0))
        self.socket.setblocking(False)

    def open_stream(self):
        self.socket.sendall(opening(self.scheme))

    def pump(self):
        while True:
            try:
                chunk = self.socket.recv(16384)
            except (ssl.SSLWantReadError, BlockingIOError):
                break
            if not chunk:
                raise ConnectionError("the server closed an idle connection")
            self.unread += chunk
        while len(self.unread) >= 9:
            end = 9 + int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < end:
                break
            self.take(self.unread[3], self.unread[4], self.unread[9:end])
            self.unread = self.unread[end:]

    def take(self, kind, flags, payload):
        if kind == SETTINGS and flags & ACK:
            self.ready = True
        elif kind == SETTINGS:
            self.socket.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.socket.sendall(frame(PING, ACK, 0, payload))
        elif kind == DATA and payload:
            self.answered = True
        elif kind in (RST_STREAM, GOAWAY):
            raise ConnectionError(f"the server sent frame {kind} to an idle connection")


class Crowd:
    """Many of them."""

    def __init__(self, port, cert):
        self.port = port
        self.context = ssl.create_default_context(cafile=cert) if cert else None
        if self.context:
            self.context.set_alpn_protocols(["h2"])
        self.selector = selectors.DefaultSelector()
        self.connections = []

    def grow(self, count):
        for _ in range(count):
            connection = Connection(self.port, self.context)
            self.connections.append(connection)
            self.selector.register(connection.socket, selectors.EVENT_READ, connection)
            self.serve(0)
        self.until(lambda c: c.ready)

    def open_streams(self):
        """One on each connection that has none."""
        for connection in self.connections:
            if not connection.answered:
                connection.open_stream()
                self.serve(0)
        self.until(lambda c: c.answered)

    def serve(self, seconds):
        for key, _ in self.selector.select(seconds):
            key.data.pump()

    def until(self, done):
        deadline = time.monotonic() + DEADLINE_S
        while not all(done(connection) for connection in self.connections):
            self.serve(0.1)
            if time.monotonic() > deadline:
                raise TimeoutError("the server left idle connections without an answer")

    def quiet(self, seconds):
        """Nothing for so long, but for answers to what the server asks."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.serve(left)

    def close(self):
        for connection in self.connections:
            self.selector.unregister(connection.socket)
            connection.socket.close()
        self.connections = []
        self.selector.close()
