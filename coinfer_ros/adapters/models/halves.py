# SPDX-License-Identifier: Apache-2.0
"""A model cut in two: each half is the library's own model with stand-ins where the other half is.

A half holds no weight of what its stand-ins replace, and runs the library's code unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from coinfer_ros.adapters.models.anatomy import Anatomy, Called, Cut, tensor_of
from coinfer_ros.adapters.models.stand_ins import Delivery, Received, StandIn, hollow


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
        hollow(model.get_submodule(name), StandIn(anatomy.called.get(name)))


def make_tail(model: nn.Module, anatomy: Anatomy, cut: Cut) -> Delivery:
    """Turn a model into its tail, in place, and return what hands it embeddings."""
    delivery = Delivery()
    for name in sides(model, anatomy, cut).head:
        if name not in cut.crossing:
            hollow(model.get_submodule(name), StandIn(anatomy.called[name], delivery))
    for name in cut.crossing:
        hollow(model.get_submodule(name), Received(anatomy.called[name], delivery))
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
