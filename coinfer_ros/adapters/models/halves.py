# SPDX-License-Identifier: Apache-2.0
"""A model cut in two: each half is the library's own model with stand-ins where the other half is.

A half holds no weight of what its stand-ins replace, and runs the library's code unchanged. A
stand-in that nobody should listen to any more returns NaN: should something still depend on it, the
result is NaN and is refused, never silently wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_flatten, tree_map

from coinfer_ros.adapters.models.anatomy import Anatomy, Called, Cut, tensor_of

NOTHING = "hollow"  # the one parameter of a stand-in, which is empty


@dataclass(frozen=True)
class Sides:
    """Which modules, with all that is in them, belong to one half alone.

    :param head: outermost modules that end before the cut.
    :param tail: outermost modules of the image part that begin after it; all that is outside the
        image part is the tail's too.
    """

    head: tuple[str, ...]
    tail: tuple[str, ...]


class _Reached(Exception):
    """The head has come to the cut."""


def sides(model: nn.Module, anatomy: Anatomy, cut: Cut) -> Sides:
    """Sort the modules of the image part, and what is beside it, into two halves."""
    end = anatomy.called[cut.crossing[-1]].ended
    head: list[str] = []
    tail: list[str] = []
    for name in _outermost(model, anatomy, end):
        seen = anatomy.called.get(name)
        (head if seen is not None and seen.ended <= end else tail).append(name)
    return Sides(tuple(head), tuple(tail))


def parameters(model: nn.Module, without: tuple[str, ...]) -> int:
    """Count the parameters that are left without some modules; shared ones once."""
    gone = {id(p) for name in without for p in model.get_submodule(name).parameters()}
    return sum(p.numel() for p in model.parameters() if id(p) not in gone)


def make_head(model: nn.Module, anatomy: Anatomy, cut: Cut) -> None:
    """Turn a model into its head, in place; :class:`HeadModule` runs it."""
    for name in sides(model, anatomy, cut).tail:
        hollow(model.get_submodule(name), _StandIn(anatomy.called.get(name)))


def make_tail(model: nn.Module, anatomy: Anatomy, cut: Cut) -> Delivery:
    """Turn a model into its tail, in place, and return what hands it embeddings."""
    delivery = Delivery()
    for name in sides(model, anatomy, cut).head:
        if name not in cut.crossing:
            hollow(model.get_submodule(name), _StandIn(anatomy.called[name]))
    for name in cut.crossing:
        hollow(model.get_submodule(name), _Received(anatomy.called[name], delivery))
    return delivery


class HeadModule(nn.Module):
    """Runs the image part of a head up to the cut.

    :param model: what :func:`make_head` made.
    :param image_part: returns a function that runs the image part on inputs.
    :param calls: how many outputs of the modules at the cut make up one embedding.
    """

    def __init__(
        self, model: nn.Module, image_part: Callable[..., Callable[[], Any]], cut: Cut, calls: int
    ) -> None:
        super().__init__()
        self.model = model
        self._image_part, self._calls = image_part, calls
        self._taken: list[torch.Tensor] = []
        for name in cut.crossing:
            model.get_submodule(name).register_forward_hook(self._take)
        self.eval()

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Turn what the processor made of one image into the embedding (T, C)."""
        run = self._image_part(self.model, inputs)
        try:
            run()
        except _Reached:
            return torch.cat([t.reshape(-1, t.shape[-1]) for t in self._taken])
        finally:
            self._taken = []
        raise AssertionError("the image part ended before the cut")

    def _take(self, module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG002
        tensor = tensor_of(output)
        if tensor is None:
            raise AssertionError("a cut is only made where one tensor crosses")
        self._taken.append(tensor)
        if len(self._taken) == self._calls:
            raise _Reached


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


class _StandIn:
    """Returns what the module would have returned, with NaN for every value."""

    def __init__(self, called: Called | None) -> None:
        self._outputs = called.outputs if called is not None else []
        self._turn = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        where = next(
            (leaf.device for leaf in tree_flatten((args, kwargs))[0] if _is_tensor(leaf)), None
        )
        return tree_map(lambda leaf: _without_value(leaf, where), self._next())

    def _next(self) -> Any:
        if not self._outputs:
            raise AssertionError("a module that the image part does not run was run by the head")
        self._turn += 1
        return self._outputs[(self._turn - 1) % len(self._outputs)]


class _Received(_StandIn):
    """Returns the piece of the embedding that came from the other half."""

    def __init__(self, called: Called, delivery: Delivery) -> None:
        super().__init__(called)
        self._delivery = delivery

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
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


def _outermost(model: nn.Module, anatomy: Anatomy, end: int) -> Iterator[str]:
    """Walk down to the modules with weights that lie wholly on one side of the cut.

    What has no weight (rotary frequencies, activations) costs nothing and stays in both halves.
    """
    queue = list(model.named_children())
    while queue:
        name, module = queue.pop(0)
        if next(module.parameters(), None) is None:
            continue
        inside = [
            seen
            for other, seen in anatomy.called.items()
            if other == name or other.startswith(f"{name}.")
        ]
        before = name in anatomy.called and all(seen.ended <= end for seen in inside)
        after = all(seen.begun > end for seen in inside)
        if before or (after and not _used(anatomy, name, inside)):
            yield name
        else:
            queue.extend((f"{name}.{child}", part) for child, part in module.named_children())


def _used(anatomy: Anatomy, name: str, inside: list[Called]) -> bool:
    """Say whether a module that was not called lent its parameters all the same."""
    return not inside and any(other.startswith(f"{name}.") for other in anatomy.used)
