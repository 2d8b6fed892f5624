# SPDX-License-Identifier: Apache-2.0
"""Where a vision-language model can be cut, seen by running its image part once without weights.

The image part is run on ``meta`` with a hook on every module. What the library's own code does, in
which order, is all that is needed: no family has to be described here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode

from coinfer_ros.adapters.checkpoint import NAME
from coinfer_ros.adapters.models.meta import MixedMeta
from coinfer_ros.core.errors import InvalidInput, Unsupported

BLOCK = "block"
# Outputs of the vision encoder that go to the language model beside its last one (Qwen3-VL).
_SIDE_OUTPUT = re.compile(r"(^|\.)deepstack_\w+\.\d+$")


@dataclass
class Called:
    """What a module did while the image part ran.

    :param begun: when its first call began, counted in beginnings and ends.
    :param ended: when its first call ended.
    :param flop: FLOP of the run by then.
    :param outputs: what each call returned, on ``meta``.
    """

    begun: int
    ended: int = -1
    flop: float = 0.0
    outputs: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Cut:
    """One place where the model can be cut.

    :param name: ``block3`` (after the third vision block), or the module of the natural cut.
    :param crossing: modules whose outputs cross, in order.
    :param shape: (T, C) tokens and channels that cross.
    :param head_flop: FLOP of one image on the robot.
    """

    name: str
    crossing: tuple[str, ...]
    shape: tuple[int, int]
    head_flop: float


@dataclass(frozen=True)
class Anatomy:
    """The image part of a model.

    :param called: every module that ran, by name.
    :param used: names of the parameters that took part.
    :param cuts: every place to cut, from the input on; the last is the natural one.
    """

    called: dict[str, Called]
    used: frozenset[str]
    cuts: tuple[Cut, ...]

    def cut(self, name: str) -> Cut:
        """Return the cut of that name, the natural one for an empty name.

        :raises InvalidInput: when there is none.
        """
        if not name:
            return self.cuts[-1]
        for cut in self.cuts:
            if cut.name == name:
                return cut
        known = ", ".join(cut.name for cut in self.cuts)
        raise InvalidInput(f"split.cut must be empty or one of {known}, got {name!r}")


def examine(model: Any, run_image_part: Callable[[], Any]) -> Anatomy:
    """Run the image part of a model on ``meta`` and see where it can be cut.

    :param model: its parameters on ``meta``.
    :param run_image_part: runs it once.
    :raises Unsupported: when no place to cut is found.
    """
    called, used = _watch(model, run_image_part)
    natural = _natural(called)
    blocks = _blocks(model, called)[: _last_read(model)]
    side = sorted(
        (name for name in called if _SIDE_OUTPUT.search(name)), key=lambda name: called[name].ended
    )
    cuts = []
    for index, name in enumerate(blocks, start=1):
        if any(called[other].ended < called[name].ended for other in side):
            break  # what went past this block has another width, and would have to cross too
        cuts.append(_cut(f"{BLOCK}{index}", (name,), called))
    cuts.append(_cut(natural.rsplit(".", 1)[-1], (*side, natural), called))
    return Anatomy(called, used, tuple(cuts))


def tensor_of(output: Any) -> torch.Tensor | None:
    """Return the one floating-point tensor of a module's output, None when it has not just one."""
    found = [leaf for leaf in _leaves(output) if leaf.is_floating_point()]
    return found[0] if len(found) == 1 else None


def _leaves(output: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_flatten(output)[0] if isinstance(leaf, torch.Tensor)]


def _watch(model: nn.Module, run: Callable[[], Any]) -> tuple[dict[str, Called], frozenset[str]]:
    called: dict[str, Called] = {}
    tick = 0
    handles = []
    mode = MixedMeta()

    def begin(name: str) -> None:
        nonlocal tick
        tick += 1
        called.setdefault(name, Called(tick))

    def end(name: str, output: Any) -> None:
        nonlocal tick
        tick += 1
        seen = called[name]
        if seen.ended < 0:
            seen.ended, seen.flop = tick, float(counter.get_total_flops())
        seen.outputs.append(output)

    for name, module in model.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(lambda *_, n=name: begin(n)))
            handles.append(module.register_forward_hook(lambda *seen, n=name: end(n, seen[-1])))
    try:
        with torch.inference_mode(), mode, FlopCounterMode(display=False) as counter:
            run()
    finally:
        for handle in handles:
            handle.remove()
    used = frozenset(name for name, p in model.named_parameters() if id(p) in mode.touched)
    return {name: seen for name, seen in called.items() if seen.outputs}, used


def _natural(called: dict[str, Called]) -> str:
    """Return the outermost module that ends last with one tensor: the projection."""
    for name in sorted(called, key=lambda name: called[name].ended, reverse=True):
        if tensor_of(called[name].outputs[-1]) is not None:
            return name
    raise Unsupported(
        f"{NAME} must be a model whose image features come out of one module, got one without"
    )


def _blocks(model: nn.Module, called: dict[str, Called]) -> Sequence[str]:
    """Return the vision encoder's blocks: of the lists of modules that ran, the heaviest."""
    best: tuple[int, list[str]] = (0, [])
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and not _SIDE_OUTPUT.search(f"{name}.0"):
            members = [f"{name}.{index}" for index in range(len(module))]
            runs = [member for member in members if member in called]
            if any(tensor_of(called[member].outputs[0]) is None for member in runs):
                continue
            weight = sum(
                p.numel()
                for index, member in enumerate(members)
                if member in called
                for p in module[index].parameters()
            )
            best = max(best, (weight, runs), key=lambda pair: pair[0])
    return best[1]


def _last_read(model: Any) -> int | None:
    """Return how many blocks the features are taken from, where the configuration says so.

    LLaVA's kin read the output of a block before the last: what comes later is not used.
    """
    layers = getattr(model.config, "vision_feature_layer", None)
    first = min(layers, default=None) if isinstance(layers, list | tuple) else layers
    if first is None or first == -1:
        return None
    return int(first if first >= 0 else first + 1)


def _cut(name: str, crossing: tuple[str, ...], called: dict[str, Called]) -> Cut:
    shapes = [
        tensor.shape
        for module in crossing
        for tensor in map(tensor_of, called[module].outputs)
        if tensor is not None
    ]
    tokens = sum(int(shape[:-1].numel()) for shape in shapes)
    last = called[crossing[-1]]
    # A video model runs its encoder once a frame; each run up to the cut is the same work.
    return Cut(name, crossing, (tokens, int(shapes[-1][-1])), last.flop * len(last.outputs))
