# SPDX-License-Identifier: Apache-2.0
"""A response that breaks HTTP, its length or its end fails one request, and the next is read."""

from __future__ import annotations

import numpy as np
import pytest

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.core.errors import InvalidInput, Unavailable

from .conftest import digest

EMBEDDING = np.ones((3, 4), np.float32)
LENGTH = b"Inference-Header-Content-Length: "


def instead(new: bytes, header: bytes):
    """Replace the value of a header."""

    def send(response: bytes):
        head, _, rest = response.partition(header)
        yield head + header + new + b"\r\n" + rest.partition(b"\r\n")[2]

    return send


def cut(size: int):
    return lambda response: [response[:-size]]


def whole(response: bytes):
    return lambda _: [response]


@pytest.fixture
def served(engine, info):
    return open_engine(engine.url, info, timeout_s=20.0)


@pytest.mark.parametrize(
    ("send", "error", "rule"),
    [
        (instead(b"nan", LENGTH), InvalidInput, r"be a length of at most \d+ bytes, got 'nan'"),
        (instead(b"-1", LENGTH), InvalidInput, "got '-1'"),
        (instead(b"+1", LENGTH), InvalidInput, r"got '\+1'"),
        (instead(b"1_0", LENGTH), InvalidInput, "got '1_0'"),
        (instead(b"\xb2", LENGTH), InvalidInput, "got '²'"),
        (instead(b"", LENGTH), InvalidInput, "got ''"),
        (instead(b"9" * 5000, LENGTH), InvalidInput, "got '999"),
        (instead(b"99999", LENGTH), InvalidInput, "got '99999'"),
        (instead(b"0", LENGTH), InvalidInput, "body in the engine's answer must be JSON"),
        (instead(b"10", LENGTH), InvalidInput, "body in the engine's answer must be JSON"),
        (instead(b"9" * 18, b"Content-Length: "), InvalidInput, "bytes, got Content-Length 9+"),
        (instead(b"131073", b"Content-Length: "), InvalidInput, "at most 131072 bytes, got"),
        (instead(b"131072", b"Content-Length: "), Unavailable, "IncompleteRead"),
        (instead(b"8", b"Content-Length: "), InvalidInput, "be a length of at most 8 bytes"),
        (cut(1), Unavailable, "IncompleteRead"),
        (cut(100), Unavailable, "IncompleteRead"),
        (whole(b"HTTP/1.1 200 OK\r\n"), InvalidInput, "body in the engine's answer must be JSON"),
        (whole(b"SSH-2.0-OpenSSH_9.6\r\n"), Unavailable, "BadStatusLine"),
        (whole(b"\x1b[31mred\r\n"), Unavailable, r"BadStatusLine:  \[31mred$"),
        (whole(b"HTTP/1.1 9999999 OK\r\n\r\n"), Unavailable, "BadStatusLine"),
        (whole(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), Unavailable, "headers"),
        (whole(b"HTTP/1.1 200 " + b"x" * 99_999), Unavailable, "LineTooLong"),
        (
            whole(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 140_000),
            InvalidInput,
            "131072 bytes, got more",
        ),
        (
            whole(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            Unavailable,
            "IncompleteRead",
        ),
    ],
)
def test_a_response_that_breaks_http_fails_one_request(engine, served, send, error, rule):
    engine.send = send
    with pytest.raises(error, match=rule):
        served.answer(EMBEDDING, "")
    engine.send = None
    assert served.answer(EMBEDDING, "a") == digest(EMBEDDING, "a")


def test_a_chunked_response_is_read(engine, served):
    engine.binary = False

    def chunked(response: bytes):
        body = response.partition(b"\r\n\r\n")[2]
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for piece in (body[:7], body[7:]):
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"

    engine.send = chunked
    assert served.answer(EMBEDDING, "a") == digest(EMBEDDING, "a")
