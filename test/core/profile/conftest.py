# SPDX-License-Identifier: Apache-2.0
"""A made-up profile to change one thing of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core.profile import (
    SERVED,
    Device,
    Distortion,
    Energy,
    Latency,
    Magnitudes,
    Profile,
    Quality,
    WireSize,
)

DEVICE = Device("a CPU", "", 4, 4, "2.13.0", "simulated", "board")


def table(shape, seed, *, low=0.01, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def robot_profile(*, widths=(2, 4, 8, 16), clocks_hz=(1e9, 2e9, 3e9), seed=0, **changes):
    shape, count = (len(widths), len(clocks_hz)), len(widths)
    p50 = table(shape, seed)
    fields = {
        "model": "small",
        "fingerprint": "ab" * 32,
        "cut": "projection",
        "role": "robot",
        "device": DEVICE,
        "made_at": "2026-01-02T03:04:05+00:00",
        "flop": 1e9,
        "widths": widths,
        "clocks_hz": clocks_hz,
        "kernels": ("float32",) * count,
        "latency": Latency(p50, p50 * 1.1, p50 * 1.2, p50 * 1.5, samples=100),
        "energy": Energy(table(shape, seed + 1), np.full(shape, 0.001)),
        "tokens": math.nan,
        "wire": (WireSize(8, 100), WireSize(16, 200)),
        "weights": Magnitudes("", 3, 20.0, 0.05),
        "layers": (Magnitudes("a", 1, math.inf, 0.0), Magnitudes("b", 2, 20.0, 0.1)),
        "distortions": (
            Distortion(SERVED, *(np.arange(count, 0, -1.0) for _ in range(3))),
            Distortion("other", *(np.full(count, math.nan) for _ in range(3))),
        ),
        "steepness": 0.5,
        "quality": Quality(np.full(count, 0.5), np.full(count, math.nan), 10),
    }
    return Profile(**(fields | changes))


def edge_profile(*, clocks_hz=(1e9, 2e9), seed=5, **changes):
    fields = {
        "role": "edge",
        "distortions": (),
        "tokens": 7.5,
        "quality": Quality(np.full(1, math.nan), np.full(1, math.nan), 0),
    }
    return robot_profile(widths=(16,), clocks_hz=clocks_hz, seed=seed, **(fields | changes))


@pytest.fixture(scope="session")
def robot():
    return robot_profile


@pytest.fixture(scope="session")
def edge():
    return edge_profile
