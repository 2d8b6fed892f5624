# SPDX-License-Identifier: Apache-2.0
"""The robot's half of a vision-language model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from coinfer_ros.adapters.kernels import AUTO, kernel_for
from coinfer_ros.adapters.memory import give_back
from coinfer_ros.adapters.models.building import image_part
from coinfer_ros.adapters.models.halves import HeadModule, make_head
from coinfer_ros.adapters.models.loading import fill
from coinfer_ros.adapters.models.opening import Opened
from coinfer_ros.adapters.weight_store import WeightStore, quantizable
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import MOST_PIXELS
from coinfer_ros.core.model import FULL_BITS, WEIGHT_BITS, HeadWeights
from coinfer_ros.core.quantizers.nested_laws import BITS_HIGH

# How large a channel is lies in the norms before it: any image tells.
GRAY = np.full((64, 64, 3), 127, np.uint8)


def plain_head(opened: Opened) -> HeadModule:
    """Return what runs in a robot's half with float32 weights in place, to try things on it.

    :param opened: the checkpoint; its processing makes what the module takes.
    """
    model = opened.new_model()
    make_head(model, opened.anatomy, opened.cut)
    fill(model, opened.body.model, opened.checkpoint)
    return _running(model, opened)


def _running(model: Any, opened: Opened) -> HeadModule:
    calls = sum(len(opened.anatomy.called[name].outputs) for name in opened.cut.crossing)
    return HeadModule(model, image_part, opened.cut, calls)


class VisionHead:
    """Image processor, and the vision encoder up to the cut.

    :param opened: the checkpoint.
    :param bits: bit-width to start at.
    :param device: where it runs, ``cpu`` or ``cuda``.
    :param kernel: what its linear layers run on; ``auto``: the fastest that holds the width.
    :raises Unsupported: when there is no such kernel here, or it does not hold the width.
    :ivar frames: images that the model looks at together.
    :ivar store: the weights' one copy.
    :ivar module: what runs, on what :meth:`inputs` makes.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        bits: int = FULL_BITS,
        device: str = "cpu",
        kernel: str = AUTO,
    ) -> None:
        if isinstance(bits, bool) or bits not in WEIGHT_BITS:
            raise InvalidInput(f"bits must be one of {WEIGHT_BITS}, got {bits!r}")
        kernel_for(bits, device, kernel)  # what cannot run is refused before anything is read
        self.info = opened.info()
        self._processing = opened.processing
        self.frames = opened.frames
        model = opened.new_model()
        make_head(model, opened.anatomy, opened.cut)
        stored = fill(model, opened.body.model, opened.checkpoint, but=quantizable(model))
        # First the store, which replaces linear layers: one of them may be where the cut is.
        self.store = WeightStore(model, stored, device=device, kernel=kernel)
        self.module = _running(model, opened)
        self._device = device
        self.weight_rate, self.widths = self.store.weight_rate, self.store.widths
        if self.store.balances:
            self._put(min(bits, BITS_HIGH))
            self.store.balance(lambda: self.embed(GRAY))
        self._put(bits)
        give_back()  # what the weights passed through

    @torch.inference_mode()
    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn an image into the embedding that crosses the cut.

        :param image: RGB (H, W, 3); a video model also takes a clip of its length (F, H, W, 3),
            and sees a single image F times.
        :returns: embedding (T, C).
        :raises InvalidInput: when the image has another shape or type, or makes the model overflow.
        """
        embedding: torch.Tensor = self.module(self.inputs(image))
        values: NDArray[np.float32] = embedding.to("cpu", torch.float32).numpy()
        if not np.isfinite(values).all():
            raise InvalidInput("image must keep the model's numbers finite, got NaN or infinity")
        if values.shape != self.info.embedding_shape:
            raise InvalidInput(
                f"image must make an embedding of {self.info.embedding_shape}, got {values.shape}"
            )
        return values

    def inputs(self, image: NDArray[np.uint8]) -> dict[str, torch.Tensor]:
        """Return what :attr:`module` takes for an image; arguments and errors as :meth:`embed`."""
        made = self._processing.image_inputs(self._shown(image))
        return {name: value.to(self._device) for name, value in made.items()}

    def prepare(self, bits: int) -> HeadWeights:
        """Bring the head's weights to a width from their one stored copy.

        Safe beside a running :meth:`embed`: it reads the copy and fills new memory.

        :param bits: one of ``WEIGHT_BITS``.
        :raises InvalidInput: when ``bits`` is none of them.
        """
        return self.store.prepare(bits)

    def use(self, weights: HeadWeights) -> list[object]:
        """Put prepared weights in place: pointers change, nothing is copied.

        :returns: what was in place; freeing it takes longer than this.
        :raises InvalidInput: when they were prepared by another model.
        """
        former = self.store.use(weights)
        self.bits, self.backend = weights.bits, weights.backend
        return former

    def _put(self, bits: int) -> None:
        """Put a width in place, and on the device what the store does not hold."""
        self.use(self.prepare(bits))
        self.module.to(self._device)

    def _shown(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the frames to show (F, H, W, 3)."""
        kind = type(image).__name__
        if isinstance(image, np.ndarray):
            kind = f"{image.dtype} {image.shape}"
            if image.ndim >= 3 and math.prod(image.shape[-3:-1]) > MOST_PIXELS:
                raise InvalidInput(f"image must have at most {MOST_PIXELS} pixels, got {kind}")
            if image.dtype == np.uint8 and image.size and image.shape[-1:] == (3,):
                if image.ndim == 3:
                    return np.broadcast_to(image, (self.frames, *image.shape))
                if image.ndim == 4 and len(image) == self.frames > 1:
                    return image
        clip = f" or ({self.frames}, H, W, 3)" if self.frames > 1 else ""
        raise InvalidInput(f"image must be RGB uint8 (H, W, 3){clip}, got {kind}")
