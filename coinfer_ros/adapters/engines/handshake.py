# SPDX-License-Identifier: Apache-2.0
"""What an engine must show before it is asked: that it runs, and that it serves this very tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.engines.address import NAME, EngineAddress
from coinfer_ros.adapters.engines.contract import EMBEDDING, PROMPT, TEXT, TOKENS
from coinfer_ros.adapters.engines.documents import broken, check_status, parse_document
from coinfer_ros.adapters.engines.link import Reply
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.model import ModelInfo

# Where an engine names no limit. Triton refuses more than 64 MB a request anyway.
MOST_AT_ONCE = 64
_VARIABLE = -1
Get = Callable[[str], Reply]


@dataclass(frozen=True)
class Engine:
    """An engine that serves the tail.

    :param name: what it calls itself, ``triton`` for Triton.
    :param binary: whether it has the binary tensor data extension.
    :param most_at_once: embeddings that one request may hold.
    :param verified: whether its model named the fingerprint and the cut, and they are ours.
    """

    name: str
    binary: bool
    most_at_once: int
    verified: bool


def meet(get: Get, address: EngineAddress, info: ModelInfo) -> Engine:
    """Check an engine and the model that it serves.

    :param get: asks the engine for a path.
    :param info: of the tail that is wanted.
    :raises Unavailable: when the engine or the model is not ready.
    :raises InvalidInput: when the model is another one, or the engine breaks the protocol.
    """
    for path in ("/v2/health/live", "/v2/health/ready", f"{address.model_path}/ready"):
        _check_ready(get(path), f"GET {path} at {address.place}")
    server = _ask(get, "/v2", address)
    name, extensions = server.get("name"), server.get("extensions", [])
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= 32):
        raise broken("name", "be 1 to 32 printable characters", name)
    if not isinstance(extensions, list):
        raise broken("extensions", "be a list", extensions)
    metadata = _ask(get, address.model_path, address)
    config = None
    if "model_configuration" in extensions:  # Triton's own: only there parameters can be seen
        config = _ask(get, f"{address.model_path}/config", address)
    return Engine(
        name=name,
        binary="binary_tensor_data" in extensions,
        most_at_once=min(_check_tensors(metadata, info), _batch_limit(config or {})),
        verified=_check_model(metadata, config, info),
    )


def _check_ready(reply: Reply, asked: str) -> None:
    # The status decides; Triton says no more. Others add a document, and some say no in it alone.
    if reply.status != 200:
        raise Unavailable(f"{asked} must find it ready, got HTTP status {reply.status}")
    if reply.body.lstrip().startswith(b"{"):
        document = parse_document(reply.body)
        if False in (document.get("live"), document.get("ready")):
            raise Unavailable(f"{asked} must find it ready, got {document!r:.100}")


def _ask(get: Get, path: str, address: EngineAddress) -> dict[str, Any]:
    reply = get(path)
    check_status(reply, f"GET {path} at {address.place}")
    return parse_document(reply.body)


def _check_tensors(metadata: dict[str, Any], info: ModelInfo) -> int:
    """Check what the model takes and gives; return how many embeddings it takes at once."""
    tokens, channels = info.embedding_shape
    inputs, outputs = (_described(metadata, side) for side in ("inputs", "outputs"))
    if set(inputs) != {EMBEDDING, PROMPT}:
        raise broken("inputs", f"be {EMBEDDING} and {PROMPT}", sorted(inputs))
    limits = [
        _check_tensor(inputs, EMBEDDING, "FP32", (tokens, channels)),
        _check_tensor(inputs, PROMPT, "BYTES", (1,)),
        _check_tensor(outputs, TEXT, "BYTES", (1,)),
        _check_tensor(outputs, TOKENS, "INT32", (1,)),
    ]
    return min(limits)


def _described(metadata: dict[str, Any], side: str) -> dict[str, Any]:
    tensors = metadata.get(side)
    if not isinstance(tensors, list) or not all(
        isinstance(tensor, dict) and isinstance(tensor.get("name"), str) for tensor in tensors
    ):
        raise broken(side, "be a list of named tensors", tensors)
    return {tensor["name"]: tensor for tensor in tensors}


def _check_tensor(tensors: dict[str, Any], name: str, datatype: str, shape: tuple[int, ...]) -> int:
    """Check one tensor; return how many of it go into one request."""
    tensor = tensors.get(name, {})
    found = tensor.get("shape")
    if tensor.get("datatype") == datatype and isinstance(found, list) and found:
        batch, *rest = found
        fits = len(rest) == len(shape) and all(
            side in (_VARIABLE, wanted) for side, wanted in zip(rest, shape, strict=True)
        )
        if fits and type(batch) is int and (batch == _VARIABLE or batch >= 1):
            return MOST_AT_ONCE if batch == _VARIABLE else batch
    raise InvalidInput(
        f"{NAME} must lead to a model with the tensor {name}, {datatype} of shape "
        f"{[_VARIABLE, *shape]}, got {tensor!r:.200}"
    )


def _batch_limit(config: dict[str, Any]) -> int:
    limit = config.get("max_batch_size", 0)
    # 0: the model's own first dimension is the batch, which the metadata shows.
    return limit if type(limit) is int and limit > 0 else MOST_AT_ONCE


def _check_model(metadata: dict[str, Any], config: dict[str, Any] | None, info: ModelInfo) -> bool:
    """Compare the model's fingerprint and cut with ours, where the engine can carry them."""
    named = (metadata if config is None else config).get("parameters")
    if config is None and not (isinstance(named, dict) and "fingerprint" in named):
        return False
    for key, ours in (("fingerprint", info.fingerprint), ("cut", info.cut)):
        theirs = named.get(key) if isinstance(named, dict) else None
        if isinstance(theirs, dict):  # as Triton's configuration writes a string
            theirs = theirs.get("string_value")
        if theirs != ours:
            raise InvalidInput(
                f"{NAME} must lead to the tail of model.path and split.cut: its model's parameter "
                f"{key} must be {ours}, got {theirs!r:.100}"
            )
    return True
