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
    """Hands the pieces of embeddings to the stand-ins at the cut, in order.

    :ivar puts: how often embeddings were laid out.
    """

    def __init__(self) -> None:
        self._rest = torch.empty(1, 0, 0)
        self.puts = 0

    @property
    def members(self) -> int:
        """How many embeddings lie there: the model runs on so many images at once."""
        return len(self._rest)

    def put(self, embeddings: torch.Tensor) -> None:
        """Lay out the next embeddings (N, T, C)."""
        self._rest = embeddings
        self.puts += 1

    def take(self, shape: torch.Size) -> torch.Tensor:
        """Return the next piece of all, in the shape that the model expects.

        :param shape: of one image; images lie one after another along its first axis, as the
            library's models expect of their features.
        """
        tokens = math.prod(shape[:-1])
        piece, self._rest = self._rest[:, :tokens], self._rest[:, tokens:]
        return piece.reshape(self.members * shape[0], *shape[1:])


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
    """Returns what the module would have returned, with NaN for every value.

    :param called: what the module did for one image, None where it did nothing.
    :param delivery: knows how many images there are; None: one.
    """

    def __init__(self, called: Called | None, delivery: Delivery | None = None) -> None:
        self._outputs = called.outputs if called is not None else []
        self._delivery = delivery or Delivery()
        self._turn = self._puts = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer, on the device of what is asked with."""
        where = next(
            (leaf.device for leaf in tree_flatten((args, kwargs))[0] if _is_tensor(leaf)), None
        )
        members = self._delivery.members
        return tree_map(lambda leaf: _without_value(leaf, where, members), self._next())

    def _next(self) -> Any:
        if not self._outputs:
            raise AssertionError("a module that the image part does not run was run by the head")
        if self._puts != self._delivery.puts:  # a run that failed may have ended between two turns
            self._turn, self._puts = 0, self._delivery.puts
        self._turn += 1
        return self._outputs[(self._turn - 1) % len(self._outputs)]


class Received(StandIn):
    """Returns the piece of the embeddings that came from the other half."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Answer with the piece in the module's place."""
        output = self._next()
        tensor: Any = tensor_of(output)
        return tree_map(
            lambda leaf: self._delivery.take(leaf.shape) if leaf is tensor else leaf, output
        )


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _without_value(leaf: Any, device: torch.device | None, members: int) -> Any:
    if not _is_tensor(leaf) or not leaf.is_meta:
        return leaf
    shape = [members * side if axis == 0 else side for axis, side in enumerate(leaf.shape)]
    value = math.nan if leaf.is_floating_point() else 0
    return torch.full(shape, value, dtype=leaf.dtype, device=device)
