# SPDX-License-Identifier: Apache-2.0
"""Puts quantized weights into any torch module for a while, and the exact originals back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

from coinfer_ros.adapters.quantized import KINDS, as_array
from coinfer_ros.core import quantizers
from coinfer_ros.core.distortion import ParameterDistortion, parameter_distortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import Granularity


def quantizable(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that are quantized, by name: those of ``adapters.quantized``.

    :param module: any module; a weight that several layers share is named once, as the first.
    """
    found: dict[str, nn.Parameter] = {}
    for name, child in module.named_modules():
        if isinstance(child, KINDS):
            weight = cast(nn.Parameter, child.weight)
            if not any(weight is known for known in found.values()):
                found[f"{name}.weight" if name else "weight"] = weight
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
    :raises InvalidInput: when an argument breaks its rule; the module is then unchanged.
    """
    chosen = _chosen(module, bits)
    replaced = {}
    for name, (weight, width) in chosen.items():
        values = quantizers.restored(
            as_array(weight), quantizer=quantizer, bits=width, granularity=granularity
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
    unknown = sorted(wanted.keys() - weights.keys())
    if unknown or not wanted:
        raise InvalidInput(
            f"bits must name weights of the module that are quantized, got {unknown or 'none'}"
        )
    return {name: (weights[name], width) for name, width in wanted.items()}


def _error(
    originals: Mapping[str, torch.Tensor], replaced: Mapping[str, torch.Tensor]
) -> ParameterDistortion:
    each = [
        parameter_distortion(as_array(weight), as_array(replaced[name]))
        for name, weight in originals.items()
    ]
    return ParameterDistortion(sum(one.total for one in each), sum(one.count for one in each))
