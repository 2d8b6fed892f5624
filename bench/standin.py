# SPDX-License-Identifier: Apache-2.0
"""Runs the real robot or edge node with half a model that answers at once: all that is left is us.

``standin.py robot|edge SHAPE... --ros-args ...``: with embeddings of the first shape, written
``TOKENSxCHANNELS``, until SIGINT, then with those of the next. The fingerprint is the shape.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters import models
from coinfer_ros.core.model import WEIGHT_BITS, Generated, HeadWeights, ModelInfo
from coinfer_ros.nodes import edge, robot

NODES = {"edge": edge.main, "robot": robot.main}


class Head:
    """A robot's half whose embedding of every image is ready."""

    weight_rate = 1.0
    bits = 16
    widths = WEIGHT_BITS
    frames = 1
    backend = "none"

    def __init__(self, info: ModelInfo) -> None:
        self.info = info
        rng = np.random.default_rng(0)
        self._embedding = rng.standard_normal(info.embedding_shape, np.float32)

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the same embedding again."""
        return self._embedding

    def prepare(self, bits: int) -> HeadWeights:
        """Return no weights."""
        return HeadWeights(bits=bits, backend="none", distortion=0.0, tensors={})

    def use(self, weights: HeadWeights) -> list[object]:
        """Take the bit-width alone."""
        self.bits = weights.bits
        return []


class Tail:
    """An edge's half that has its answer ready."""

    backend = "none"
    batches = True

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def answer_many(
        self, embeddings: Sequence[NDArray[np.float32]], prompt: str
    ) -> list[Generated]:
        """Return the same answer for each."""
        return [self.answer(each, prompt) for each in embeddings]

    def answer(self, embedding: NDArray[np.float32], prompt: str) -> Generated:  # noqa: ARG002
        """Return the same answer again."""
        return Generated(text="a red ball left of a blue box", tokens=8)

    def warm_up(self) -> None:
        """Do nothing: it is always warm."""

    def close(self) -> None:
        """Do nothing."""


def serve(node: str, shape: str) -> None:
    """Put the stand-ins where the halves are loaded, and run the node until SIGINT."""
    tokens, _, channels = shape.partition("x")
    info = ModelInfo(
        fingerprint=shape,
        cut="visual_projection",
        embedding_shape=(int(tokens), int(channels)),
        head_parameters=1,
        tail_parameters=1,
        head_flop=1.0,
        tail_flop=1.0,
    )
    with (
        mock.patch.object(models, "describe", return_value=info),
        mock.patch.object(models, "open_head", return_value=Head(info)),
        mock.patch.object(models, "open_tail", return_value=Tail(info)),
    ):
        NODES[node]()


if __name__ == "__main__":
    given = sys.argv[1 : sys.argv.index("--ros-args")]
    for each in given[1:]:
        serve(given[0], each)
