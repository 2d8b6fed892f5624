# SPDX-License-Identifier: Apache-2.0
"""Writes the folder from which Triton serves this package's own tail."""

from __future__ import annotations

from pathlib import Path

from coinfer_ros.adapters.engines.address import check_model_name
from coinfer_ros.adapters.engines.contract import EMBEDDING, PROMPT, TEXT, TOKENS
from coinfer_ros.core import checks
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.model import ModelInfo

MODEL_PY = "from coinfer_ros.adapters.engines.triton_model import TritonPythonModel\n"
MOST_AT_ONCE = 8


def write_repository(
    repository: str | Path,
    model_path: str | Path,
    *,
    name: str = "",
    cut: str = "",
    image_px: tuple[int, int] | None = None,
    max_new_tokens: int | None = None,
    device: str = "auto",
    precision: str = "float32",
    most_at_once: int = MOST_AT_ONCE,
) -> Path:
    """Write a model of Triton's Python backend that is the edge's half of a checkpoint.

    :param repository: what Triton is given as ``--model-repository``; made where it is not there.
    :param model_path: the checkpoint, as the process of Triton finds it.
    :param name: of the served model; the checkpoint folder's own where empty.
    :param cut: and ``image_px``, ``max_new_tokens``, ``device``, ``precision`` as of
        :func:`coinfer_ros.adapters.models.open_tail`.
    :param most_at_once: embeddings that one request may hold.
    :return: the model's folder.
    :raises InvalidInput: when an argument breaks its rule.
    :raises Unavailable: when the folder cannot be written.
    """
    path = Path(model_path).expanduser().resolve()
    name = check_model_name("name", name or path.name)
    most_at_once = checks.whole("most_at_once", most_at_once, low=1, high=1024)
    from coinfer_ros.adapters import models  # noqa: PLC0415

    info = models.describe(path, cut=cut, image_px=image_px)
    width, height = image_px or (0, 0)
    parameters = {
        "fingerprint": info.fingerprint,
        "cut": info.cut,
        "model_path": str(path),
        "image_width": str(width),
        "image_height": str(height),
        "max_new_tokens": str(max_new_tokens or models.MAX_NEW_TOKENS),
        "device": device,
        "precision": precision,
    }
    text = config_pbtxt(name, info, parameters, most_at_once=most_at_once)
    return _write(Path(repository).expanduser() / name, text)


def config_pbtxt(
    name: str, info: ModelInfo, parameters: dict[str, str], *, most_at_once: int
) -> str:
    """Return the configuration of a served tail in protobuf's text format.

    :param name: of the served model.
    :param info: what the edge node compares it with.
    :param parameters: must hold ``fingerprint`` and ``cut``.
    :param most_at_once: embeddings that one request may hold.
    """
    tokens, channels = info.embedding_shape
    return "\n".join(
        [
            f"name: {quoted(name)}",
            'backend: "python"',
            f"max_batch_size: {most_at_once}",
            "input [",
            f"  {_tensor(EMBEDDING, 'TYPE_FP32', f'{tokens}, {channels}')},",
            f"  {_tensor(PROMPT, 'TYPE_STRING', '1')}",
            "]",
            "output [",
            f"  {_tensor(TEXT, 'TYPE_STRING', '1')},",
            f"  {_tensor(TOKENS, 'TYPE_INT32', '1')}",
            "]",
            "instance_group [ { count: 1 kind: KIND_MODEL } ]",  # the tail chooses its device
            *(_parameter(key, value) for key, value in parameters.items()),
            "",
        ]
    )


def _write(folder: Path, config: str) -> Path:
    try:
        (folder / "1").mkdir(parents=True, exist_ok=True)
        (folder / "1" / "model.py").write_text(MODEL_PY, encoding="ascii")
        (folder / "config.pbtxt").write_text(config, encoding="ascii")
    except OSError as error:
        raise Unavailable(
            f"repository must be a folder that can be written, got {error}"
        ) from error
    return folder


def _tensor(name: str, kind: str, dims: str) -> str:
    return f"{{ name: {quoted(name)} data_type: {kind} dims: [ {dims} ] }}"


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {quoted(key)} value {{ string_value: {quoted(value)} }} }}"


def quoted(text: str) -> str:
    """Return a string literal of protobuf's text format: ASCII, the rest as octal bytes."""
    plain = (32 <= byte < 127 and byte not in b'"\\' for byte in text.encode())
    inside = (
        chr(byte) if keep else f"\\{byte:03o}"
        for byte, keep in zip(text.encode(), plain, strict=True)
    )
    return f'"{"".join(inside)}"'
