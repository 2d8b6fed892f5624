# SPDX-License-Identifier: Apache-2.0
"""Puts quantized weights into a torch module for a while, and the exact originals back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.quantizable import as_array, is_quantizable
from coinfer_ros.core import quantizers
from coinfer_ros.core.distortion import ParameterDistortion, parameter_distortion
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.quantizers import Granularity


def quantizable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that are quantized, by name: those of Linear, Conv2d and Embedding.

    :param module: any module; a weight that several layers share is named once, as the first.
    :raises Unsupported: when such a weight is computed from other parameters, as by weight_norm or
        pruning: put in its place, a quantized one would be computed away again.
    """
    found: dict[str, nn.Parameter] = {}
    known: set[int] = set()
    for prefix, child in module.named_modules():
        if is_quantizable(child):
            name = f"{prefix}.weight" if prefix else "weight"
            weight = dict(child.named_parameters(recurse=False)).get("weight")
            if weight is None:
                raise Unsupported(f"{name} must be a parameter of its own, got a computed one")
            if id(weight) not in known:
                found[name] = weight
                known.add(id(weight))
    return found


@contextmanager
def quantized_in_place(
    module: nn.Module,
    bits: int | Mapping[str, int],
    *,
    quantizer: str,
    granularity: Granularity,
) -> Iterator[ParameterDistortion]:
    """Run a module with quantized weights inside a ``with`` block.

    The originals themselves return on every way out.

    :param module: any module; nothing else may use it meanwhile.
    :param bits: one width for every weight that is quantized, or a width for each of some weights
        by the names of :func:`quantizable`, the others as they are.
    :param quantizer: name of a quantizer of ``core.quantizers``.
    :param granularity: which weights share a scale.
    :returns: the error of the weights that were named, as the module holds them.
    :raises InvalidInput: when an argument breaks its rule or a weight is no float32 number; the
        module is then unchanged.
    :raises Unsupported: when a weight is computed from other parameters.
    """
    chosen = _chosen(module, bits)
    replaced = {}
    for name, (weight, width) in chosen.items():
        values = quantizers.restored(
            _finite(name, weight), quantizer=quantizer, bits=width, granularity=granularity
        )
        replaced[name] = torch.from_numpy(values).to(weight.device, weight.dtype)
    originals = {name: weight.data for name, (weight, _) in chosen.items()}
    try:
        for name, (weight, _) in chosen.items():
            weight.data = replaced[name]
        yield _error(originals, replaced)
    finally:
        for name, (weight, _) in chosen.items():
            weight.data = originals[name]


def _chosen(
    module: nn.Module, bits: int | Mapping[str, int]
) -> dict[str, tuple[nn.Parameter, int]]:
    """Return each weight to quantize and its width, by name; one at least."""
    weights = quantizable(module)
    wanted = bits if isinstance(bits, Mapping) else dict.fromkeys(weights, bits)
    unknown = [name for name in wanted if name not in weights]
    if unknown or not wanted:
        raise InvalidInput(
            f"bits must name weights of the module that are quantized, got {unknown or 'none'}"
        )
    return {name: (weights[name], width) for name, width in wanted.items()}


def _finite(name: str, weight: nn.Parameter) -> NDArray[np.float32]:
    values = as_array(weight)
    good = np.isfinite(values)
    if not good.all():
        found = float(_exact(weight)[~good][0])
        raise InvalidInput(f"{name} must hold finite float32 numbers, got {found}")
    return values


def _exact(weight: torch.Tensor) -> NDArray[np.float64]:
    values: NDArray[np.float64] = weight.detach().to("cpu", torch.float64).numpy()
    return values


def _error(
    originals: Mapping[str, torch.Tensor], replaced: Mapping[str, torch.Tensor]
) -> ParameterDistortion:
    each = [
        parameter_distortion(_exact(weight), _exact(replaced[name]))
        for name, weight in originals.items()
    ]
    return ParameterDistortion(sum(one.total for one in each), sum(one.count for one in each))
