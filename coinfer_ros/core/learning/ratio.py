# SPDX-License-Identifier: Apache-2.0
"""How a machine's measured costs differ from the modelled ones, by bit-width, clock and tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.learning.filter import Filter, Prior

# No correction is greater than this factor, either way.
LARGEST = math.log(20.0)
_LEVEL = 0  # place of the common coefficient


@dataclass(frozen=True)
class Correction:
    """The factor c · (clock / reference)^e · w(bits) by which measured exceeds modelled.

    Kernels do not follow the law that time falls with the width, nor does memory follow the clock;
    so each width has a factor of its own beside the common one.

    :param level: ln c.
    :param clock_exponent: e.
    :param reference_hz: the clock where the exponent makes no difference, Hz.
    :param widths: (B,) bit-widths.
    :param offsets: (B,) ln w of each.
    """

    level: float
    clock_exponent: float
    reference_hz: float
    widths: tuple[int, ...]
    offsets: tuple[float, ...]

    def factor(self, bits: int, clock_hz: float) -> float:
        """Return the factor at one setting; the clock NaN: its own pace."""
        log = self.level + self.offsets[self.widths.index(bits)]
        if self.clock_exponent and math.isfinite(clock_hz):
            log += self.clock_exponent * math.log(clock_hz / self.reference_hz)
        return math.exp(max(-LARGEST, min(log, LARGEST)))

    def factors(self, widths: Sequence[int], clocks_hz: Sequence[float]) -> NDArray[np.float64]:
        """Return (B, F) the factors of widths by clocks."""
        offsets = np.array([self.offsets[self.widths.index(bits)] for bits in widths])
        clocks = np.asarray(clocks_hz, np.float64)
        slowed = np.where(np.isfinite(clocks), clocks, self.reference_hz) / self.reference_hz
        logs = self.level + offsets[:, None] + self.clock_exponent * _log(slowed)
        return np.exp(np.clip(logs, -LARGEST, LARGEST))


def _log(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms, 0 where a machine at its own pace has no clock."""
    return np.log(np.where(np.isfinite(shares), shares, 1.0))


def no_correction(widths: Sequence[int], reference_hz: float) -> Correction:
    """Return the factor 1 everywhere."""
    return Correction(0.0, 0.0, reference_hz, tuple(widths), (0.0,) * len(widths))


class Ratio:
    """Learns a ``Correction`` from measured and modelled costs, in logarithms.

    :param widths: (B,) bit-widths that are told apart.
    :param reference_hz: as in ``Correction``; NaN: a machine at its own pace.
    """

    def __init__(self, widths: Sequence[int], reference_hz: float) -> None:
        self._widths, self._reference_hz = tuple(widths), reference_hz
        self._usual_bits = self._widths[0] if len(self._widths) == 1 else 0
        several = 0.2 if len(self._widths) > 1 else 0.0
        self._filter = Filter(
            [
                Prior(0.0, 0.7, 0.01, -LARGEST, LARGEST),  # level
                Prior(0.0, 0.5, 0.0, -1.0, 1.0),  # exponent of the clock
                Prior(0.0, 0.3, 0.0, -1.0, 1.0),  # exponent of the tokens
                *(Prior(0.0, several, 0.0, -2.0, 2.0) for _ in self._widths),
            ],
            noise=0.05,
            least_noise=0.01,
        )

    def observe(
        self,
        measured: float,
        modelled: float,
        *,
        bits: int,
        clock_hz: float,
        tokens: float = 1.0,
    ) -> bool:
        """Take one run into account; one that is not known or not above 0 is left out.

        :param tokens: of this answer over those of a usual one.
        :returns: true when it confirmed a step.
        """
        known = measured > 0.0 and modelled > 0.0  # NaN is not above 0
        if not known or math.isinf(measured) or math.isinf(modelled) or bits not in self._widths:
            return False
        h = np.zeros(len(self._filter.x))
        h[0] = 1.0
        h[1] = math.log(clock_hz / self._reference_hz) if math.isfinite(clock_hz) else 0.0
        h[2] = math.log(tokens) if tokens > 0.0 else 0.0
        own = 3 + self._widths.index(bits)
        h[own] = 1.0
        # What came with another width is that width's; what comes while none changes, everyone's.
        opens = [_LEVEL] if bits == self._usual_bits else [own]
        stepped = self._filter.observe(
            h, math.log(measured / modelled), kind=str(bits), opens=opens
        )
        if not self._filter.holding:
            self._usual_bits = bits
        return stepped

    @property
    def holding(self) -> bool:
        """True while a run is held back."""
        return self._filter.holding

    @property
    def correction(self) -> Correction:
        """What has been learnt, for an answer of the usual tokens."""
        level, clock, _, *offsets = self._filter.x.tolist()
        reference_hz = self._reference_hz
        return Correction(level, clock, reference_hz, self._widths, tuple(offsets))
