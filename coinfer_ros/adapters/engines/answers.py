# SPDX-License-Identifier: Apache-2.0
"""Answers out of a reply of the Open Inference Protocol; nothing of it is used before its check.

An engine may send a tensor as bytes behind the JSON or inside it, whichever way it was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coinfer_ros.adapters.engines.contract import TEXT, TOKENS
from coinfer_ros.adapters.engines.documents import broken, parse_document
from coinfer_ros.adapters.engines.link import JSON_LENGTH, Reply
from coinfer_ros.core.model import Generated

MOST_TOKENS = 65535  # the most that an answer's message can say


def decode_answers(reply: Reply, *, request_id: str, count: int) -> list[Generated]:
    """Return the answers in an engine's reply to a request.

    :param count: embeddings that were asked about.
    :raises InvalidInput: when the reply breaks the protocol, or is not about this request.
    """
    json_bytes = _json_bytes(reply)
    document = parse_document(reply.body[:json_bytes])
    if document.get("id", request_id) != request_id:
        raise broken("id", f"be {request_id!r}, as asked", document["id"])
    tensors = _tensors(document, reply.body[json_bytes:])
    texts, tokens = tensors[TEXT].texts(count), tensors[TOKENS].whole_numbers(count)
    return [Generated(text, number) for text, number in zip(texts, tokens, strict=True)]


@dataclass(frozen=True)
class _Tensor:
    """One output as it was sent.

    :param claims: what the JSON says of it.
    :param data: its bytes, None where its values are in the JSON.
    """

    name: str
    claims: dict[str, Any]
    data: bytes | None

    def texts(self, count: int) -> list[str]:
        """Return the values of a BYTES tensor (count, 1)."""
        self._check("BYTES", count)
        if self.data is not None:
            try:
                return [element.decode() for element in self._elements(self.data, count)]
            except UnicodeDecodeError as error:
                raise broken(self.name, "be UTF-8", self.data) from error
        values = self._json_values(count)
        if not all(isinstance(value, str) and _is_sound(value) for value in values):
            raise broken(self.name, "be sound text", values)
        return values

    def whole_numbers(self, count: int) -> list[int]:
        """Return the values of an INT32 tensor (count, 1) of numbers of tokens."""
        self._check("INT32", count)
        if self.data is None:
            values = self._json_values(count)
        elif len(self.data) == 4 * count:
            values = np.frombuffer(self.data, "<i4").tolist()
        else:
            raise broken(self.name, f"have {4 * count} bytes", len(self.data))
        if not all(type(value) is int and 0 <= value <= MOST_TOKENS for value in values):
            raise broken(self.name, f"be whole numbers from 0 to {MOST_TOKENS}", values)
        return values

    def _check(self, datatype: str, count: int) -> None:
        found = (self.claims.get("datatype"), self.claims.get("shape"))
        if found != (datatype, [count, 1]):
            raise broken(self.name, f"be {datatype} {[count, 1]}", found)

    def _json_values(self, count: int) -> list[Any]:
        """Return the values in ``data``, which may be flat or nested as its shape says."""
        data = self.claims.get("data")
        if not isinstance(data, list) or len(data) != count:
            raise broken(self.name, f"have data of {count} values", data)
        return [row[0] if isinstance(row, list) and len(row) == 1 else row for row in data]

    def _elements(self, data: bytes, count: int) -> list[bytes]:
        """Return the elements of a BYTES tensor, each behind its length in four bytes."""
        elements, at = [], 0
        for _ in range(count):
            begin = at + 4
            at = begin + int.from_bytes(data[at:begin], "little")
            if at > len(data):
                raise broken(self.name, f"hold {count} texts in {len(data)} bytes", data)
            elements.append(data[begin:at])
        if at != len(data):
            raise broken(self.name, f"have {at} bytes", len(data))
        return elements


def _json_bytes(reply: Reply) -> int:
    """Return how many bytes of the body are JSON: all where no header says otherwise."""
    said = reply.json_length
    if said is None:
        return len(reply.body)
    # No sign, no blank, no digit of another script, and never more digits than int() would take.
    if not (said.isascii() and said.isdigit() and len(said) < 16) or int(said) > len(reply.body):
        raise broken(JSON_LENGTH, f"be a length of at most {len(reply.body)} bytes", said)
    return int(said)


def _tensors(document: dict[str, Any], rest: bytes) -> dict[str, _Tensor]:
    """Give each output its bytes of those behind the JSON, in their order, to the last."""
    outputs = document.get("outputs")
    if not isinstance(outputs, list):
        raise broken("outputs", "be a list", outputs)
    found: dict[str, _Tensor] = {}
    for claims in outputs:
        name = claims.get("name") if isinstance(claims, dict) else None
        if name not in (TEXT, TOKENS) or name in found:
            raise broken("outputs", f"be {TEXT} and {TOKENS}, once each", name)
        size = _binary_size(claims, most=len(rest))
        found[name] = _Tensor(name, claims, None if size is None else rest[:size])
        rest = rest[size or 0 :]
    if len(found) < 2 or rest:
        raise broken("outputs", f"be {TEXT} and {TOKENS} to the last byte", (*found, len(rest)))
    return found


def _binary_size(claims: dict[str, Any], *, most: int) -> int | None:
    parameters = claims.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None or (type(size) is int and 0 <= size <= most):
        return size
    raise broken(f"binary_data_size of {claims['name']}", f"be within {most} bytes", size)


def _is_sound(text: str) -> bool:
    """Say whether a text has a UTF-8 form: JSON can spell half a character."""
    return text.encode(errors="replace").decode() == text
