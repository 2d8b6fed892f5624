# SPDX-License-Identifier: Apache-2.0
"""An engine's words, JSON or an HTTP status, as records of Python or as errors."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from coinfer_ros.adapters.engines.link import Reply, on_one_line
from coinfer_ros.core.errors import CoinferError, InvalidInput, PeerTimeout, Unavailable

_REQUEST_TO_BLAME = (400, 413, 415, 422)
_TIME_TO_BLAME = (408, 504)


def parse_document(body: bytes) -> dict[str, Any]:
    """Return an engine's JSON object.

    :raises InvalidInput: when it is none.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
    # A document can be nested more deeply than Python can follow.
    except (ValueError, RecursionError) as error:
        raise broken("body", f"be JSON ({error})", body[:80]) from error
    if not isinstance(document, dict):
        raise broken("body", "be a JSON object", document)
    return document


def check_status(reply: Reply, asked: str) -> None:
    """Pass a good reply; translate the status and the words of any other.

    :param asked: what was asked of whom.
    :raises InvalidInput: when the engine finds the request wrong.
    :raises PeerTimeout: when it gave up for lack of time.
    :raises Unavailable: for every other failure.
    """
    if reply.status == 200:
        return
    kind: type[CoinferError] = Unavailable
    if reply.status in _REQUEST_TO_BLAME:
        kind = InvalidInput
    elif reply.status in _TIME_TO_BLAME:
        kind = PeerTimeout
    raise kind(f"{asked} must succeed, got HTTP status {reply.status}: {_words(reply.body)}")


def broken(name: str, rule: str, got: object) -> InvalidInput:
    """Return the error for a part of an engine's answer that breaks the protocol."""
    return InvalidInput(f"{name} in the engine's answer must {rule}, got {got!r:.100}")


def _words(body: bytes) -> str:
    """Return an engine's own words on one line."""
    try:
        said = parse_document(body).get("error")
    except InvalidInput:
        said = body.decode(errors="replace")
    return on_one_line(said if isinstance(said, str) else "") or "no word"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
