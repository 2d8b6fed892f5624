# SPDX-License-Identifier: Apache-2.0
"""Puts a half's weights in place, and reads no other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, load_tensors
from coinfer_ros.adapters.models.naming import sources
from coinfer_ros.core.errors import InvalidInput


def fill(
    half: Any,
    whole: Any,
    checkpoint: Checkpoint,
    *,
    but: Collection[str] = (),
    dtype: torch.dtype = torch.float32,
) -> dict[str, torch.Tensor]:
    """Put a half's weights in place and return all of them as stored, by name.

    :param half: the half, weights on ``meta``.
    :param whole: the whole model, likewise: it knows the names.
    :param dtype: type that they are put in place in.
    :param but: names of weights that are not put in place: somebody else does.
    :raises InvalidInput: when a tensor is missing, misshapen, unknown or not finite.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in whole.state_dict().items()}
    keys = sources(whole, checkpoint.places)
    for name, key in keys.items():
        if checkpoint.places[key].shape != shapes[name]:
            raise InvalidInput(
                f"{NAME} must hold {key} of shape {shapes[name]} as config.json says, "
                f"got {checkpoint.places[key].shape}"
            )
    wanted = {name: keys[name] for name in half.state_dict() if name in keys}
    stored = load_tensors(checkpoint, set(wanted.values()))
    placed = {name: key for name, key in wanted.items() if name not in but}
    weights = {name for name, _ in half.named_parameters(remove_duplicate=False)}
    floats = {
        key: stored[key].to(dtype if name in weights else torch.float32)
        for name, key in placed.items()
    }
    # Not strict: stand-ins have a parameter of their own, and are no part of the checkpoint.
    half.load_state_dict(
        {name: floats[key] for name, key in placed.items()}, strict=False, assign=True
    )
    half.requires_grad_(False).eval()
    return {name: stored[key] for name, key in wanted.items()}
