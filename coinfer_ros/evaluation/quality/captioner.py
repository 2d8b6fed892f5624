# SPDX-License-Identifier: Apache-2.0
"""Captions the same images again and again, with the model stored in one way after another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.models.head import plain_head
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.models.tail import LanguageTail
from coinfer_ros.adapters.module_distortion import (
    Sensitivities,
    quantizable,
    quantized_in_place,
    sensitivities,
)
from coinfer_ros.core import wire
from coinfer_ros.core.allocation import allocate
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import PerChannel
from coinfer_ros.evaluation.quality.coding import FULL_WIRE_BITS, Coding, widths_of

TOGETHER = 50  # captions that are generated in one run


Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Captioned:
    """What a coding made of the images.

    :param texts: (N,) the captions.
    :param weight_error: mean |w - w'| over the mean |w| of the robot's half: λD.
    """

    texts: tuple[str, ...]
    weight_error: float


class Captioner:
    """Both halves of one model in float32, and the images that it is asked about.

    :param folder: the checkpoint's.
    :param images: (N,) RGB (H, W, 3), or clips (F, H, W, 3).
    :param others: what the sensitivity of layers is measured on.
    :param cut: where the model is cut; empty: its own place.
    """

    def __init__(
        self, folder: Path, images: Sequence[Image], others: Sequence[Image], cut: str = ""
    ) -> None:
        opened = open_model(folder, cut=cut)
        self._head, self._tail = plain_head(opened), LanguageTail(opened, device="cpu")
        processed = opened.processing.image_inputs
        self._shown = [processed(_clip(image, opened.frames)) for image in images]
        self._others = [processed(_clip(image, opened.frames)) for image in others]
        self._cut = cut
        self._sensitivities: dict[str, Sensitivities] = {}

    def captions(self, coding: Coding) -> Captioned:
        """Caption every image.

        :param coding: how both halves and the embedding are stored; of this cut.
        :raises InvalidInput: when it is of another cut.
        """
        if coding.cut != self._cut:
            raise InvalidInput(f"coding.cut must be {self._cut!r}, got {coding.cut!r}")
        with self._stored(coding) as error:
            embeddings = [self._embed(inputs, coding.wire_bits) for inputs in self._shown]
            groups = range(0, len(embeddings), TOGETHER)
            said = [
                one.text
                for first in groups
                for one in self._tail.answer_many(embeddings[first : first + TOGETHER], "")
            ]
        return Captioned(tuple(said), error)

    def widths(self, coding: Coding) -> dict[str, int]:
        """Return the width of each layer of the robot's half under an allocated coding.

        The mean over the work of the layers, which is what arXiv 2602.13052, eq. (4) and (6) bill,
        is at most the coding's. Errors of layers add nearly in quadrature
        (docs/decisions/bits-a-layer-minimise-squares.md).

        :raises InvalidInput: when no widths are so narrow.
        """
        found, work = self._measured(coding.quantizer), self.work
        share = np.array([work[name] for name in found.names])
        share /= share.sum()
        cost = share[:, None] * np.array(found.widths)  # (L, B) bits
        # Sums of fewer distinct values: exact widths in seconds (core.allocation.exact).
        cost = np.ceil(cost * 2.0**12) / 2.0**12
        chosen = allocate(found.output**2, cost, coding.bits, found.widths)
        if not chosen.bits:
            raise InvalidInput(f"bits must be enough for some widths, got {coding.bits}")
        return dict(zip(found.names, chosen.bits, strict=True))

    @contextlib.contextmanager
    def _stored(self, coding: Coding) -> Iterator[float]:
        """Store both halves as a coding says, for a while; give λD of the robot's."""
        if coding.as_stored:
            yield 0.0
            return
        how: dict[str, Any] = {"quantizer": coding.quantizer, "granularity": PerChannel()}
        bits = self.widths(coding) if coding.allocated else int(coding.bits)
        tail = (
            quantized_in_place(self._tail.model, int(coding.bits), **how)
            if coding.whole
            else contextlib.nullcontext()
        )
        with quantized_in_place(self._head, bits, **how) as error, tail:
            yield error.total / self._magnitude

    def _embed(self, inputs: dict[str, torch.Tensor], wire_bits: int) -> NDArray[np.float32]:
        with torch.inference_mode():
            embedding: NDArray[np.float32] = self._head(inputs).numpy()
        if wire_bits == FULL_WIRE_BITS:
            return embedding
        return wire.decode(wire.encode(embedding, wire_bits))

    def _measured(self, quantizer: str) -> Sensitivities:
        if quantizer not in self._sensitivities:
            low, high = widths_of(quantizer)
            self._sensitivities[quantizer] = sensitivities(
                self._head,
                self._head,
                self._others,
                quantizer=quantizer,
                widths=range(low, high + 1),
                granularity=PerChannel(),
            )
        return self._sensitivities[quantizer]

    @property
    def _magnitude(self) -> float:
        """Sum of the magnitudes of all quantized weights of the robot's half."""
        return float(
            sum(w.detach().abs().sum(dtype=torch.float64) for w in quantizable(self._head).values())
        )

    @property
    def work(self) -> dict[str, float]:
        """Multiply-adds of each layer for one image, by the name of its weight."""
        counted: dict[str, float] = {}

        def count(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
            def hook(layer: nn.Module, _args: Any, output: torch.Tensor) -> None:
                weight: Any = layer.weight
                # An embedding looks rows up; its weights are read once each.
                each = float(output.numel()) * weight[0].numel()
                if isinstance(layer, nn.Embedding):
                    each = float(output.numel())
                counted[name] = counted.get(name, 0.0) + each

            return hook

        weights = quantizable(self._head)
        hooks = [
            # First: the cut's own hook ends the run.
            self._head.get_submodule(name.removesuffix(".weight")).register_forward_hook(
                count(name), prepend=True
            )
            for name in weights
        ]
        try:
            self._embed(self._others[0], FULL_WIRE_BITS)
        finally:
            for hook in hooks:
                hook.remove()
        return {name: counted[name] for name in weights}


def _clip(image: Image, frames: int) -> Image:
    """Return (F, H, W, 3): a clip as it is, one image as often as the model has frames."""
    return image if image.ndim == 4 else np.broadcast_to(image, (frames, *image.shape))
