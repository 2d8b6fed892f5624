# SPDX-License-Identifier: Apache-2.0
"""One kept HTTP connection to an engine, on which no exchange outlasts its deadline."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.engines.address import NAME, EngineAddress
from coinfer_ros.core.errors import InvalidInput, PeerTimeout, Unavailable

JSON_LENGTH = "Inference-Header-Content-Length"
_SHOWN = 300  # characters of an engine's own words


@dataclass(frozen=True)
class Reply:
    """What an engine answered.

    :param status: of HTTP.
    :param json_length: what its header ``Inference-Header-Content-Length`` says, None without it.
    :param body: complete, within the asked bound.
    """

    status: int
    json_length: str | None
    body: bytes


class StaleConnection(Unavailable):
    """The engine ended a kept connection before it answered: a new one may well serve."""


class Link:
    """The connection; opened when it is needed, closed by whatever goes wrong on it.

    :param address: of the engine.
    :param timeout_s: what its deadlines come from, for messages, s.
    """

    def __init__(self, address: EngineAddress, *, timeout_s: float) -> None:
        self._place, self._timeout_s = address.place, timeout_s
        self._connection = _Connection(address.host, address.port)

    @property
    def is_open(self) -> bool:
        """Whether the connection of the last exchange was kept."""
        return self._connection.sock is not None

    def close(self) -> None:
        """Close the connection; the next exchange opens another."""
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        until_s: float,
        most_bytes: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask once and read the whole answer; every error of network and HTTP is translated here.

        :param until_s: on ``time.monotonic()``, when the answer must be complete, s.
        :param most_bytes: the longest body that is read.
        :raises StaleConnection: when a kept connection had been closed by the engine.
        :raises Unavailable: when nobody answers there, or not in HTTP, or not to the end.
        :raises PeerTimeout: when the answer is not complete in time.
        :raises InvalidInput: when the answer is longer than ``most_bytes``.
        """
        try:
            response = self._begin(method, path, body, headers or {}, until_s)
            return self._read(response, most_bytes)
        except TimeoutError as error:
            self.close()
            raise PeerTimeout(
                f"the engine at {self._place} must answer within engine.timeout_s = "
                f"{self._timeout_s:g} s, and did not"
            ) from error
        # A host name that is none raises UnicodeError.
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            why = on_one_line(f"{type(error).__name__}: {error}")
            raise Unavailable(
                f"{NAME} must lead to an engine that answers, got {self._place}: {why}"
            ) from error
        except BaseException:
            self.close()  # what is left of the answer would be taken for the next one
            raise

    def _begin(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], until_s: float
    ) -> http.client.HTTPResponse:
        kept = self.is_open
        self._connection.set_deadline(until_s)
        try:
            self._connection.request(method, path, body or None, headers)
            return self._connection.getresponse()
        except ConnectionError as error:
            if not kept:
                raise
            raise StaleConnection(
                f"{NAME} must lead to an engine that keeps running, got {self._place}: "
                f"it closed the connection"
            ) from error

    def _read(self, response: http.client.HTTPResponse, most_bytes: int) -> Reply:
        length = response.length  # None where the answer is chunked or ends with the connection
        if length is not None and length > most_bytes:
            raise self._too_long(most_bytes, f"Content-Length {length}")
        body = response.read(most_bytes + 1)
        if len(body) > most_bytes:
            raise self._too_long(most_bytes, "more")
        if length is not None and len(body) < length:
            raise http.client.IncompleteRead(body, length - len(body))
        return Reply(response.status, response.headers.get(JSON_LENGTH), body)

    def _too_long(self, most_bytes: int, got: str) -> InvalidInput:
        return InvalidInput(
            f"an answer of the engine at {self._place} must have at most {most_bytes} bytes, "
            f"got {got}"
        )


class _Connection(http.client.HTTPConnection):
    """A connection whose every wait, name look-up apart, ends at one deadline."""

    _until_s = 0.0

    def set_deadline(self, until_s: float) -> None:
        self._until_s = until_s
        if isinstance(self.sock, _Socket):
            self.sock.until_s = until_s

    def connect(self) -> None:
        self.timeout = _left_s(self._until_s)
        super().connect()
        self.sock = _Socket(fileno=self.sock.detach())
        self.sock.until_s = self._until_s


class _Socket(socket.socket):
    """Shares one deadline among all waits: an engine that sends byte after byte must end too."""

    until_s = 0.0

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(_left_s(self.until_s))
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(_left_s(self.until_s))
        super().sendall(data, flags)


def on_one_line(words: str) -> str:
    r"""Return the beginning of a stranger's words, safe for a log.

    >>> on_one_line("no\nroom\x1b[31m ")
    'no room [31m'
    """
    return "".join(c if c.isprintable() else " " for c in words[:_SHOWN]).strip()


def _left_s(until_s: float) -> float:
    left_s = until_s - time.monotonic()
    if left_s <= 0.0:
        raise TimeoutError
    return left_s
