# SPDX-License-Identifier: Apache-2.0
"""Puts a calibration's measurements together into a profile."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from coinfer_ros.core.distortion import empirical_constant
from coinfer_ros.core.profile import (
    SERVED,
    Distortion,
    Energy,
    Latency,
    Magnitudes,
    Profile,
    Quality,
    Table,
    WireSize,
)
from coinfer_ros.tools.calibration.asked import QUANTIZERS, Asked

Results = Mapping[str, Any]
Visited = Mapping[str, Any]
# The edge's half runs as the checkpoint has it.
_UNQUANTIZED = "unquantized"


def profile(asked: Asked, results: Results, *, made_at: str) -> Profile:
    """Return the profile.

    :param asked: what was measured.
    :param results: every measurement by its name.
    :param made_at: when, ISO 8601.
    """
    weights, *layers = (Magnitudes(**law) for law in results["laws"])
    on_robot = asked.role == "robot"
    served = [results[f"served/{bits}"] for bits in asked.widths] if on_robot else []
    return Profile(
        model=asked.folder.resolve().name,
        fingerprint=asked.info.fingerprint,
        cut=asked.info.cut,
        role=asked.role,
        device=asked.device,
        made_at=made_at,
        flop=asked.flop,
        widths=asked.widths,
        clocks_hz=asked.clocks_hz,
        kernels=tuple(one["kernel"] for one in served) if on_robot else (_UNQUANTIZED,),
        latency=_latency(asked, results),
        energy=_energy(asked, results),
        tokens=math.nan if on_robot else _tokens(asked, results),
        wire=tuple(WireSize(int(bits), size) for bits, size in results["wire"].items()),
        weights=weights,
        layers=tuple(layers),
        distortions=tuple(_distortions(asked, results, served)) if on_robot else (),
        steepness=_steepness(served, weights.count),
        quality=_quality(asked, results),
    )


def _each(asked: Asked, results: Results, take: Callable[[list[Visited]], float]) -> Table:
    """Return (B, F) what ``take`` makes of a setting's visits."""
    visited: dict[tuple[int, str], list[Visited]] = defaultdict(list)
    for visit in asked.visits():
        visited[visit.bits, repr(visit.clock_hz)].append(results[visit.key])  # NaN is no key
    return np.array(
        [[take(visited[bits, repr(hz)]) for hz in asked.clocks_hz] for bits in asked.widths]
    )


def _latency(asked: Asked, results: Results) -> Latency:
    def percentile(share: float) -> Table:
        # The next greater run rather than a mean of two: a time that so many did keep.
        return _each(
            asked,
            results,
            lambda visits: float(np.quantile(_seconds(visits), share, method="higher")),
        )

    return Latency(
        p50_s=percentile(0.50),
        p90_s=percentile(0.90),
        p95_s=percentile(0.95),
        p99_s=percentile(0.99),
        samples=int(_each(asked, results, lambda visits: len(_seconds(visits))).min()),
    )


def _seconds(visits: Sequence[Visited]) -> list[float]:
    return [second for visit in visits for second in visit["seconds"]]


def _energy(asked: Asked, results: Results) -> Energy:
    def mean(name: str) -> Table:
        return _each(asked, results, lambda visits: _a_run(visits, name))

    return Energy(mean_j=mean("joules"), error_j=mean("error_j"))


def _a_run(visits: Sequence[Visited], name: str) -> float:
    """Return the joules of one run, NaN unless every visit was metered."""
    taken = [visit[name] for visit in visits]
    if None in taken:
        return math.nan
    return math.fsum(taken) / len(_seconds(visits))


def _tokens(asked: Asked, results: Results) -> float:
    counted = _each(
        asked, results, lambda visits: np.mean([n for visit in visits for n in visit["results"]])
    )
    return float(counted.mean())


def _distortions(asked: Asked, results: Results, served: Sequence[Visited]) -> Iterator[Distortion]:
    errors = np.array([one["errors"] for one in served])  # (B, N)
    norms = np.array([one["norms"] for one in served])
    yield Distortion(
        quantizer=SERVED,
        parameter=np.array([one["parameter"] for one in served]),
        output=errors.mean(axis=1),
        output_share=errors.sum(axis=1) / norms.sum(axis=1),
    )
    for name in QUANTIZERS:
        found = [results.get(f"quantizer/{name}/{bits}", {}) for bits in asked.widths]
        yield Distortion(
            name, **{key: _column(found, key) for key in ("parameter", "output", "output_share")}
        )


def _steepness(served: Sequence[Visited], weights: int) -> float:
    """Return the empirical constant H over all images and widths that moved the weights."""
    moved = [one for one in served if one["parameter"] > 0.0 and any(one["errors"])]
    if not moved:
        return math.nan
    return empirical_constant(
        np.array([one["errors"] for one in moved]).T,  # (N, B)
        [one["parameter"] * weights for one in moved],
    )


def _quality(asked: Asked, results: Results) -> Quality:
    found = [results.get(f"quality/{bits}", {}) for bits in asked.widths]
    return Quality(
        exact_match=_column(found, "exact_match"),
        cider=_column(found, "cider"),
        examples=min(one.get("examples", 0) for one in found),
    )


def _column(found: Sequence[Visited], name: str) -> Table:
    """Return (B,) what was found of each width, NaN where it was not."""
    values = [one.get(name) for one in found]
    return np.array([math.nan if value is None else value for value in values])
