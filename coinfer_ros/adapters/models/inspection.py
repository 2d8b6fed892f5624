# SPDX-License-Identifier: Apache-2.0
"""What each cut of a model costs on either side, without a weight in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from coinfer_ros.adapters.models.anatomy import Cut
from coinfer_ros.adapters.models.halves import sides
from coinfer_ros.adapters.models.opening import Body, first_token_flop, open_model
from coinfer_ros.adapters.quantizable import is_quantizable
from coinfer_ros.core.model import HeadSize, ModelInfo


@dataclass(frozen=True)
class CutCost:
    """One place to cut, and what it costs.

    :param info: workload, parameters and embedding; the fingerprint is empty.
    :param size: the weights of the robot's half.
    """

    info: ModelInfo
    size: HeadSize


def inspect(
    path: str | Path,
    *,
    image_px: tuple[int, int] | None = None,
    prompt_tokens: int = 0,
    every_position: bool = False,
) -> list[CutCost]:
    """Describe every cut of a checkpoint folder, which needs no weights for this.

    :param image_px: (width, height) that images are resized to where the model takes any size.
    :param prompt_tokens: tokens of text beside those of an empty prompt.
    :param every_position: count logits of every position, not of the last alone.
    :returns: from the input on; the last is the natural cut.
    :raises Unavailable: when the folder, a file or a package is not there.
    :raises Unsupported: when the architecture is unknown.
    :raises InvalidInput: when a file is broken.
    """
    opened = open_model(path, image_px=image_px, weights=False)
    inputs = _lengthened(opened.processing.inputs(""), prompt_tokens)
    body = Body(
        opened.body.model,
        opened.anatomy,
        first_token_flop(opened.body.model, inputs, every_position=every_position),
    )
    return [CutCost(body.describe(cut, ""), _size(body, cut)) for cut in body.anatomy.cuts]


def _size(body: Body, cut: Cut) -> HeadSize:
    """Count the weights of the head that are quantized, their rows, and the others."""
    gone = tuple(f"{name}." for name in sides(body.model, body.anatomy, cut).tail)
    quantized = rows = 0
    for name, module in body.model.named_modules():
        if is_quantizable(module) and not f"{name}.".startswith(gone):
            quantized += module.weight.numel()
            rows += len(module.weight)
    return HeadSize(quantized, rows, _parameters(body.model, gone) - quantized)


def _parameters(model: nn.Module, gone: tuple[str, ...]) -> int:
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith(gone))


def _lengthened(inputs: dict[str, torch.Tensor], tokens: int) -> dict[str, torch.Tensor]:
    """Put more tokens of text at the end, the last one's like."""
    longer = dict(inputs)
    for name in ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"):
        if name in inputs:
            longer[name] = torch.cat([inputs[name], inputs[name][:, -1:].expand(-1, tokens)], 1)
    return longer
