# SPDX-License-Identifier: Apache-2.0
"""How well one model captions under each way of storing it, image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.evaluation import intervals
from coinfer_ros.evaluation.captions import cider_each
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.quality.coding import Coding, widths_of

Each = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """CIDEr of every caption of one model.

    :param each: by a coding's name, (N,) the captions' scores.
    :param weight_errors: by a coding's name, λD of the robot's half.
    """

    each: Mapping[str, Each]
    weight_errors: Mapping[str, float]
    _estimates: dict[str, Estimate] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        captions: Mapping[str, tuple[Sequence[str], float]],
        references: Sequence[Sequence[str]],
    ) -> Scores:
        """Score captions.

        :param captions: by a coding's name, one caption an image, and the weights' error.
        :param references: the right captions of each image.
        """
        return cls(
            {name: cider_each(texts, references) for name, (texts, _) in captions.items()},
            {name: error for name, (_, error) in captions.items()},
        )

    def estimate(self, coding: Coding) -> Estimate:
        """Return the mean over the images with a bootstrap interval of 95 %."""
        return self.estimate_named(coding.name)

    def estimate_named(self, name: str) -> Estimate:
        """Return the same by a coding's name."""
        if name not in self._estimates:
            self._estimates[name] = intervals.mean(self.each[name].tolist())
        return self._estimates[name]

    def by_width(self, quantizer: str) -> dict[int, float]:
        """Return the mean of each width that a quantizer was tried at, 16 bits included."""
        low, high = widths_of(quantizer)
        tried = [Coding(quantizer, bits) for bits in (*range(low, high + 1), FULL_BITS)]
        return {
            int(coding.bits): float(self.each[coding.name].mean())
            for coding in dict.fromkeys(tried)
            if coding.name in self.each
        }
