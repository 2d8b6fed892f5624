# SPDX-License-Identifier: Apache-2.0
"""Re-fits a linear model with every observation: recursive, bounded, forgetting, outliers held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# An observation so many standard deviations off is held back rather than believed, and this many
# of them in a row, on one side, are a change of the world rather than outliers.
GATE = 4.0
CONFIRM = 3
# Share by which one observation moves the estimate of the noise.
NOISE_GAIN = 0.05


@dataclass(frozen=True)
class Prior:
    """What is known of one coefficient before it is measured.

    :param mean: its value.
    :param deviation: standard deviation of that; 0: it is certain.
    :param drift: standard deviation by which it changes from one observation to the next.
    :param low: least value.
    :param high: greatest value.
    """

    mean: float
    deviation: float
    drift: float
    low: float = -np.inf
    high: float = np.inf


class Filter:
    """A Kalman filter on the coefficients x of y = h·x + noise.

    Between two observations the coefficients drift, so old ones are forgotten; what nothing tells
    of is in the end as uncertain as its prior, and no more. One that lies far
    off is held: the next good one discards it, as many as ``CONFIRM`` on one side are believed
    together, after the coefficients have been made as uncertain as the change is large. So an
    outlier moves nothing and a step is learnt from ``CONFIRM`` observations.

    :param priors: (N,) one a coefficient.
    :param noise: standard deviation of an observation, the first estimate of it.
    :param least_noise: bound of that estimate from below; it may rise to 100 times ``noise``.
    """

    def __init__(self, priors: Sequence[Prior], *, noise: float, least_noise: float) -> None:
        self.x: Vector = np.array([prior.mean for prior in priors])
        self._cov = np.diag([prior.deviation**2 for prior in priors])
        self._drift = np.array([prior.drift**2 for prior in priors])
        self._most = np.diag(self._cov).copy()
        self._drifting = tuple(k for k, prior in enumerate(priors) if prior.drift)
        self._low = np.array([prior.low for prior in priors])
        self._high = np.array([prior.high for prior in priors])
        self._noises = least_noise, 100.0 * noise
        self._noise = noise
        self._held: dict[str, list[tuple[Vector, float]]] = {}

    @property
    def holding(self) -> bool:
        """True while an observation is held: an outlier, or the first of a change."""
        return any(self._held.values())

    def predict(self, h: Vector) -> float:
        """Return h·x.

        :param h: (N,) features.
        """
        return float(h @ self.x)

    def observe(
        self, h: Vector, y: float, *, kind: str = "", opens: Sequence[int] | None = None
    ) -> bool:
        """Take one observation into account.

        :param h: (N,) features.
        :param y: what was observed.
        :param kind: observations of another kind neither discard nor confirm what is held.
        :param opens: places of the coefficients that a step of this kind is a step of; None: all
            that drift.
        :returns: true when it confirmed a step: all that was learnt from it before is out of date.
        """
        self._drift_on()
        held = self._held.setdefault(kind, [])
        residual = y - self.predict(h)
        spread = float(h @ self._cov @ h) + self._noise**2
        if residual**2 <= GATE**2 * spread:
            held.clear()
            self._learn_noise(residual**2 - (spread - self._noise**2))
            self._believe(h, y)
            return False
        if held and (held[-1][1] - self.predict(held[-1][0])) * residual < 0.0:
            held.clear()  # on the other side: no step, then, but noise
            self._learn_noise(GATE**2 * spread)
        held.append((h, y))
        if len(held) < CONFIRM:
            return False
        self._open_up(held, self._drifting if opens is None else opens)
        for each in held:
            self._believe(*each)
        held.clear()
        return True

    def _drift_on(self) -> None:
        """Let coefficients drift, those that nothing tells of no further than their priors."""
        places = np.flatnonzero(np.diag(self._cov) < self._most)
        self._cov[places, places] += self._drift[places]

    def _believe(self, h: Vector, y: float) -> None:
        gain = self._cov @ h / (float(h @ self._cov @ h) + self._noise**2)
        self.x = np.clip(self.x + gain * (y - self.predict(h)), self._low, self._high)
        self._cov -= np.outer(gain, h @ self._cov)
        self._cov = 0.5 * (self._cov + self._cov.T)  # rounding must not make it lopsided

    def _open_up(self, held: Sequence[tuple[Vector, float]], places: Sequence[int]) -> None:
        """Let coefficients be off by as much as the held observations say."""
        for place in places:
            offs = [(y - self.predict(h)) / h[place] for h, y in held if h[place]]
            if offs:
                self._cov[place, place] += float(np.median(np.square(offs)))

    def _learn_noise(self, unexplained: float) -> None:
        """Take the part of a squared residual into account that no coefficient explains."""
        variance = (1.0 - NOISE_GAIN) * self._noise**2 + NOISE_GAIN * max(unexplained, 0.0)
        self._noise = float(np.clip(np.sqrt(variance), *self._noises))
