# SPDX-License-Identifier: Apache-2.0
"""How far each quantizer stands from the limit D(R), on the law and on real weights."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.quantizers import law_distortion, nested
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.quality.coding import Coding, widths_of

WEIGHTS = 10**6  # that a scale by the greatest one is reckoned for


@dataclass(frozen=True)
class Distance:
    """One quantizer at one width.

    :param quantizer: its name.
    :param bits: bit-width.
    :param limit: λD(R) of the best code of any length, R = bits - 1.
    :param on_law: λD on exponential magnitudes with one scale for all.
    :param on_weights: λD on a robot half's weights, a scale a channel; None: not tried.
    """

    quantizer: str
    bits: int
    limit: float
    on_law: float
    on_weights: float | None

    @property
    def bits_short(self) -> float:
        """Its width less what the best code needs for as much distortion of the law, bits."""
        return self.bits - 1.0 - rate_distortion.exact_rate(self.on_law)

    @property
    def times_limit(self) -> float | None:
        """Error on the weights over the limit of the law that was fitted to them.

        Below 1 where the weights are no exponential ones: the limit is that of the law.
        """
        return None if self.on_weights is None else self.on_weights / self.limit


def distances(quantizer: str, scores: Scores) -> list[Distance]:
    """Return a quantizer's distances at each of its widths up to 8 bits.

    :param scores: of the model whose weights are looked at.
    """
    low, high = widths_of(quantizer)
    return [
        Distance(
            quantizer,
            bits,
            float(rate_distortion.exact(bits - 1.0)),
            _on_law(quantizer, bits),
            scores.weight_errors.get(Coding(quantizer, bits).name),
        )
        for bits in range(low, min(high, 8) + 1)
    ]


def _on_law(quantizer: str, bits: int) -> float:
    if quantizer == nested.NAME:
        return nested.law_distortion(bits)
    return law_distortion(quantizer, bits, samples=WEIGHTS)
