# SPDX-License-Identifier: Apache-2.0
"""Stands in for modules of the other half: hollow ones that answer NaN, or what came over the wire.

A stand-in that nobody should listen to any more returns NaN: should something still depend on it,
the result is NaN and is refused, never silently wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_flatten, tree_map

from coinfer_ros.adapters.models.anatomy import Called, tensor_of

NOTHING = "hollow"  # the one parameter of a stand-in, which is empty


class Delivery:
    """Hands the pieces of an embedding to the stand-ins at the cut, in order."""

    def __init__(self) -> None:
        self._rest = torch.empty(0, 0)

    def put(self, embedding: torch.Tensor) -> None:
        """Lay out the next embedding (T, C)."""
        self._rest = embedding

    def take(self, shape: torch.Size) -> torch.Tensor:
        """Return the next piece in the shape that the model expects."""
        tokens = math.prod(shape[:-1])
        piece, self._rest = self._rest[:tokens], self._rest[tokens:]
        return piece.reshape(shape)


def hollow(module: nn.Module, forward: Callable[..., Any]) -> None:
    """Take everything out of a module and give it another ``forward``.

    It stays an instance of its class, with its settings: the library asks for both.
    """
    module._parameters.clear()
    module._buffers.clear()
    module._modules.clear()
    # The library asks a module of its type, and it looks at the first parameter.
    module.register_parameter(NOTHING, nn.Parameter(torch.empty(0), requires_grad=False))
    module.forward = forward


class StandIn:
    """Returns what the module would have returned, with NaN for every value."""

    def __init__(self, called: Called | None) -> None:
        self._outputs = called.outputs if called is not None else []
        self._turn = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer, on the device of what is asked with."""
        where = next(
            (leaf.device for leaf in tree_flatten((args, kwargs))[0] if _is_tensor(leaf)), None
        )
        return tree_map(lambda leaf: _without_value(leaf, where), self._next())

    def _next(self) -> Any:
        if not self._outputs:
            raise AssertionError("a module that the image part does not run was run by the head")
        self._turn += 1
        return self._outputs[(self._turn - 1) % len(self._outputs)]


class Received(StandIn):
    """Returns the piece of the embedding that came from the other half."""

    def __init__(self, called: Called, delivery: Delivery) -> None:
        super().__init__(called)
        self._delivery = delivery

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Answer with the piece in the module's place."""
        output = self._next()
        tensor: Any = tensor_of(output)
        return tree_map(
            lambda leaf: self._delivery.take(leaf.shape) if leaf is tensor else leaf, output
        )


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _without_value(leaf: Any, device: torch.device | None) -> Any:
    if not _is_tensor(leaf) or not leaf.is_meta:
        return leaf
    if leaf.is_floating_point():
        return torch.full(leaf.shape, math.nan, dtype=leaf.dtype, device=device)
    return torch.zeros(leaf.shape, dtype=leaf.dtype, device=device)
