# SPDX-License-Identifier: Apache-2.0
"""The same encoder in other runtimes, in 8 bits as their own documents say, to compare with."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

Run = Callable[[torch.Tensor], torch.Tensor]
NOT_INSTALLED = "not installed"
GROUP = 768  # activations with one scale: a token's width, the quickest tried
CALIBRATED_ON = 3  # random images, as those that are measured


def missing(package: str) -> bool:
    """Say whether a package is not installed."""
    return importlib.util.find_spec(package) is None


class LastHiddenState(nn.Module):
    """A model with one tensor in and one out, as exporters want it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the encoder's last hidden state."""
        found: torch.Tensor = self._model(pixels).last_hidden_state
        return found


def onnx_runtime(model: nn.Module, image: torch.Tensor) -> Iterator[tuple[str, Run | None]]:
    """Yield ONNX Runtime in float32 and in 8 bits with dynamic activations."""
    names = ("ONNX Runtime, float32", "ONNX Runtime, int8 dynamic")
    if missing("onnxruntime") or missing("onnx"):
        yield from ((name, None) for name in names)
        return
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        wide, narrow = Path(folder) / "wide.onnx", Path(folder) / "narrow.onnx"
        torch.onnx.export(LastHiddenState(model), (image,), wide, dynamo=False, opset_version=17)
        yield names[0], _onnx_session(wide)
        quantize_dynamic(
            wide,
            narrow,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
        )
        yield names[1], _onnx_session(narrow)


def openvino(model: nn.Module, image: torch.Tensor) -> Iterator[tuple[str, Run | None]]:
    """Yield OpenVINO in float32, with 8-bit weights, and in 8 bits calibrated beforehand."""
    names = (
        "OpenVINO, float32",
        "OpenVINO, int8 weights, activations dynamic",
        "OpenVINO, int8 calibrated on other images",
    )
    if missing("openvino"):
        yield from ((name, None) for name in names)
        return
    import openvino as ov  # noqa: PLC0415

    def fresh() -> Any:
        return ov.convert_model(
            LastHiddenState(model), example_input=image, input=list(image.shape)
        )

    core = ov.Core()
    yield names[0], _openvino_request(core, fresh())
    yield names[1], _openvino_request(core, _with_byte_weights(fresh()))
    yield names[2], _openvino_request(core, _calibrated(core, fresh(), image.shape))


def _onnx_session(path: Path) -> Run:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    return lambda image: torch.from_numpy(session.run(None, {given: image.numpy()})[0])


def _openvino_request(core: Any, model: Any) -> Run:
    request = core.compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(GROUP),
        },
    ).create_infer_request()
    return lambda image: torch.from_numpy(request.infer([image.numpy()])[0].copy())


def _linears(model: Any) -> list[tuple[Any, Any]]:
    """Return the products with a constant matrix, and those matrices (O, I)."""
    found = []
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        source = node.input_value(1).get_node()
        while source.get_type_name() == "Convert":
            source = source.input_value(0).get_node()
        if source.get_type_name() == "Constant":
            found.append((node, source.get_data()))
    return found


def _with_byte_weights(model: Any) -> Any:
    from openvino import opset13  # noqa: PLC0415

    for node, weight in _linears(model):
        scales = (np.abs(weight).max(1, keepdims=True) / 127).astype(np.float32)
        codes = opset13.constant(np.round(weight / scales).astype(np.int8))
        wide = opset13.multiply(opset13.convert(codes, "f32"), opset13.constant(scales))
        node.input(1).replace_source_output(wide.output(0))
    return model


def _calibrated(core: Any, model: Any, shape: tuple[int, ...]) -> Any:
    from openvino import opset13  # noqa: PLC0415

    for (node, weight), (low, high) in zip(
        _linears(model), _ranges(core, model.clone(), shape), strict=True
    ):
        ends = [opset13.constant(np.full((1, 1, 1), end, np.float32)) for end in (low, high)]
        rounded = opset13.fake_quantize(node.input_value(0), *ends, *ends, 256)
        most = np.abs(weight).max(1, keepdims=True).astype(np.float32)
        sides = [opset13.constant(-most), opset13.constant(most)]
        weights = opset13.fake_quantize(node.input_value(1), *sides, *sides, 255)
        node.input(0).replace_source_output(rounded.output(0))
        node.input(1).replace_source_output(weights.output(0))
    return model


def _ranges(core: Any, model: Any, shape: tuple[int, ...]) -> list[tuple[float, float]]:
    """Return the least and the largest activation before each product."""
    sources = [node.input_value(0) for node, _ in _linears(model)]
    keys = [(source.get_node().get_friendly_name(), source.get_index()) for source in sources]
    distinct = dict(zip(keys, sources, strict=True))  # three products read one activation
    model.add_outputs(list(distinct.values()))
    compiled, ends = core.compile_model(model, "CPU"), dict.fromkeys(distinct, (np.inf, -np.inf))
    rng = np.random.default_rng(1)
    for _ in range(CALIBRATED_ON):
        seen = list(compiled(rng.standard_normal(shape).astype(np.float32)).values())
        for key, values in zip(distinct, seen[-len(distinct) :], strict=True):
            low, high = ends[key]
            ends[key] = min(low, float(values.min())), max(high, float(values.max()))
    return [ends[key] for key in keys]
