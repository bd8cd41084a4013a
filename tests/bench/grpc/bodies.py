# SPDX-License-Identifier: Apache-2.0
"""The messages of bench.proto as bytes, so that nothing beyond Python makes what is sent."""
LINES_A_CALL = 1000
LINE_BYTES = (172, 1074)
GET_SUM, STREAM_SUM = "/bench.SumService/GetSum", "/bench.SumService/StreamSum"
INGEST, OPEN = "/bench.IngestService/Ingest", "/bench.IdleService/Open"


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def number_field(field, value):
    return varint(field << 3) + varint(value)


def text_field(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def numbers(message):
    """The fields of a message that holds numbers alone, {number: value}."""
    found, at = {}, 0
    while at < len(message):
        key, at = read_varint(message, at)
        found[key >> 3], at = read_varint(message, at)
    return found


def frame(message):
    """A message as gRPC carries it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def sum_request(a, b, count=0):
    return number_field(1, a) + number_field(2, b) + (number_field(3, count) if count else b"")


def line(seq, size):
    """A LogLine of exactly size bytes with all fields set, and the bytes of its text."""
    head = text_field(1, b"01J9ZC8Q5N7X3M2K4V6B8D0F1G") + text_field(
        2, b"01J9ZC8Q5P9R1S3T5V7W9X1Y3Z") + number_field(3, seq) + number_field(
        4, 1700000000000000000 + seq) + number_field(5, 1) + text_field(
        6, b"info") + text_field(7, b"agent-07") + number_field(8, 1)
    tail = varint(10 << 3 | 1) + (0x1234567890abcdef).to_bytes(8, "little")
    room = size - len(head) - len(tail) - 2
    if room > 127:
        room -= 1
    text = (b"  CC       lib/base/text.lo and whatever else a build says; " * 20)[:room]
    message = head + text_field(9, text) + tail
    assert len(message) == size, len(message)
    return message, len(text)


def lines(size, first=1):
    """The messages of a call to Ingest."""
    return [line(first + i, size)[0] for i in range(LINES_A_CALL)]


def summary(size):
    """What Ingest answers to them."""
    text = sum(line(1 + i, size)[1] for i in range(LINES_A_CALL))
    return number_field(1, LINES_A_CALL) + number_field(2, text)
