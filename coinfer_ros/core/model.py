# SPDX-License-Identifier: Apache-2.0
"""The seam of the split: what a robot half and an edge half of one model offer.

The robot runs ``Head.embed`` with weights of some bit-width, the edge runs ``Tail.answer``.
Both halves describe themselves with the same ``ModelInfo``; a pair whose fingerprints differ
must refuse to work together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# The bit-widths that the robot's half can be stored at (theory: the set B).
WEIGHT_BITS = (2, 3, 4, 5, 6, 7, 8, 16)
# Bits of the unquantized weights that workloads are counted at, b of eq. (4).
FULL_BITS = 16


@dataclass(frozen=True)
class ModelInfo:
    """What both halves must agree on, and the workload of each half.

    :param fingerprint: hex digest of configuration and weights of the whole model.
    :param cut: name of the place where the model is cut.
    :param embedding_shape: (T, C) tokens and channels that cross the cut.
    :param head_parameters: parameters on the robot.
    :param tail_parameters: parameters on the edge.
    :param head_flop: FLOP of one image on the robot (2 a multiply-add).
    :param tail_flop: FLOP of one image to the first token on the edge.
    """

    fingerprint: str
    cut: str
    embedding_shape: tuple[int, int]
    head_parameters: int
    tail_parameters: int
    head_flop: float
    tail_flop: float


@dataclass(frozen=True)
class HeadSize:
    """The weights of the robot's half.

    :param quantized: weights of matrices, kernels and tables, which get the bit-width.
    :param rows: their output channels or table rows, each with a scale of its own.
    :param others: norms, biases and the like, kept at ``FULL_BITS``.
    """

    quantized: int
    rows: int
    others: int

    def stored_bytes(self, bits: int) -> int:
        """Return the bytes of codes, scales (float32) and the other weights at ``bits``."""
        if bits >= FULL_BITS:
            return (self.quantized + self.others) * FULL_BITS // 8
        codes = -(-self.quantized * bits // 8)
        return codes + 4 * self.rows + self.others * FULL_BITS // 8


@dataclass(frozen=True)
class HeadWeights:
    """The head's weights at one bit-width, ready to be put in place between two frames.

    :param bits: bit-width of the codes.
    :param backend: what executes them, and which layers run on something else.
    :param distortion: mean absolute error per quantized weight (15) of what is computed with, the
        backend's own rounding included, in weight units.
    :param tensors: the adapter's own weights by name.
    :param maker: whose they are; no other head takes them.
    """

    bits: int
    backend: str
    distortion: float
    tensors: dict[str, Any]
    maker: object = None


class Head(Protocol):
    """The robot's half."""

    info: ModelInfo
    weight_rate: float  # λ of the quantized weights' magnitudes, MLE, 1/weight unit
    bits: int  # bit-width now in place
    widths: tuple[int, ...]  # bit-widths that it can run, of WEIGHT_BITS
    backend: str  # what executes the weights in place
    frames: int  # images that it looks at together: 1, more for a video model

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn an RGB image (H, W, 3), or a clip (F, H, W, 3), into the embedding (T, C)."""
        ...

    def prepare(self, bits: int) -> HeadWeights:
        """Quantize the weights to ``bits``; safe beside a running ``embed``."""
        ...

    def use(self, weights: HeadWeights) -> list[object]:
        """Put prepared weights in place, between two frames; return what was there."""
        ...


@dataclass(frozen=True)
class Generated:
    """The tail's answer.

    :param text: the answer, special tokens removed.
    :param tokens: how many tokens were generated.
    """

    text: str
    tokens: int


class Tail(Protocol):
    """The edge's half."""

    info: ModelInfo
    backend: str  # what executes it
    batches: bool  # whether answer_many makes its answers in one run of the model

    def answer(self, embedding: NDArray[np.float32], prompt: str) -> Generated:
        """Turn an embedding (T, C) and a prompt (may be empty) into text."""
        ...

    def answer_many(
        self, embeddings: Sequence[NDArray[np.float32]], prompt: str
    ) -> list[Generated]:
        """Turn embeddings, each (T, C), and one prompt into the text of each, in their order."""
        ...

    def warm_up(self) -> None:
        """Answer once for nothing: the first answer takes longer than the others."""
        ...

    def close(self) -> None:
        """Let go of what is held open; twice is once."""
        ...
