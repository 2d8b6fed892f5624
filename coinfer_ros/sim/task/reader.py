# SPDX-License-Identifier: Apache-2.0
"""Asks both halves of the model where a thing is, over the real wire, at any width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import wire
from coinfer_ros.core.model import Head, HeadWeights, Tail
from coinfer_ros.core.planning import Setting
from coinfer_ros.sim.arena.sight import Sight
from coinfer_ros.sim.task.machines import Made
from coinfer_ros.sim.task.question import question, read_answer


@dataclass(frozen=True)
class Reading:
    """What the model said of an image.

    :param sight: where the thing is; None for words that are no answer.
    :param made: what the machines notice of it.
    """

    sight: Sight | None
    made: Made


class Reader:
    """Both halves of one model; weights of a width are prepared once and kept.

    :param head: the robot's half.
    :param tail: the edge's half.
    """

    def __init__(self, head: Head, tail: Tail) -> None:
        self._head, self._tail = head, tail
        self._weights: dict[int, HeadWeights] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """(T, C) of the embedding."""
        return self._head.info.embedding_shape

    def read(self, image: NDArray[np.uint8], name: str, setting: Setting) -> Reading:
        """Ask where a thing is in an image.

        :param image: RGB (H, W, 3).
        :param setting: widths of weights and wire.
        """
        self._use(setting.point.bits)
        embedding = self._head.embed(image)
        payload = wire.encode(embedding, setting.wire_bits)
        said = self._tail.answer(wire.decode(payload), question(name))
        return Reading(
            read_answer(said.text),
            Made(
                embedding.shape,
                said.tokens,
                wire.distortion(embedding, payload).relative,
                self._head.weight_rate,
            ),
        )

    def _use(self, bits: int) -> None:
        if self._head.bits == bits:
            return
        if bits not in self._weights:
            self._weights[bits] = self._head.prepare(bits)
        self._head.use(self._weights[bits])
