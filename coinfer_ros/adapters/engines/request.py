# SPDX-License-Identifier: Apache-2.0
"""Embeddings and prompts as a request of the Open Inference Protocol."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.engines.contract import EMBEDDING, PROMPT, TEXT, TOKENS
from coinfer_ros.adapters.engines.link import JSON_LENGTH


@dataclass(frozen=True)
class Request:
    """A request for inference.

    :param body: JSON, behind it the tensors' bytes unless they are in the JSON.
    :param headers: of HTTP, that say which.
    """

    body: bytes
    headers: dict[str, str]


def binary_request(
    request_id: str, embeddings: NDArray[np.float32], prompts: Sequence[bytes]
) -> Request:
    """Return a request in Triton's binary tensor data extension.

    :param embeddings: (N, T, C).
    :param prompts: N, UTF-8.
    """
    tensors = [
        embeddings.astype("<f4").tobytes(),
        b"".join(struct.pack("<I", len(prompt)) + prompt for prompt in prompts),
    ]
    data = [{"parameters": {"binary_data_size": len(tensor)}} for tensor in tensors]
    head = _document(request_id, embeddings.shape, data, {"parameters": {"binary_data": True}})
    headers = {"Content-Type": "application/octet-stream", JSON_LENGTH: str(len(head))}
    return Request(b"".join((head, *tensors)), headers)


def json_request(
    request_id: str, embeddings: NDArray[np.float32], prompts: Sequence[bytes]
) -> Request:
    """Return the same request for an engine without that extension, several times as long."""
    data: list[dict[str, Any]] = [
        {"data": embeddings.ravel().tolist()},  # exact: a float64 holds every float32
        {"data": [prompt.decode() for prompt in prompts]},
    ]
    head = _document(request_id, embeddings.shape, data, {})
    return Request(head, {"Content-Type": "application/json"})


def _document(
    request_id: str,
    shape: tuple[int, ...],
    data: Sequence[dict[str, Any]],
    wanted: dict[str, Any],
) -> bytes:
    document = {
        "id": request_id,
        "inputs": [
            {"name": EMBEDDING, "shape": list(shape), "datatype": "FP32", **data[0]},
            {"name": PROMPT, "shape": [shape[0], 1], "datatype": "BYTES", **data[1]},
        ],
        "outputs": [{"name": TEXT, **wanted}, {"name": TOKENS, **wanted}],
    }
    return json.dumps(document).encode()
