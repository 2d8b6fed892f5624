# SPDX-License-Identifier: Apache-2.0
"""The overhead covers what the model leaves out, and is calm under noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core.overhead import Overhead


def learnt(excesses, **options):
    overhead = Overhead(
        **({"window": 20, "quantile": 0.9, "step": 0.005, "initial": 0.0} | options)
    )
    for excess in excesses:
        overhead.add(measured=0.1 + excess, modelled=0.1)
    return overhead


def test_it_covers_the_quantile_that_it_was_asked_for():
    excesses = np.linspace(0.0, 0.1, 20)
    estimate = learnt(excesses).estimate
    assert np.mean(excesses <= estimate) >= 0.9
    assert estimate <= np.quantile(excesses, 0.9) + 0.005


def test_noise_within_a_step_does_not_move_it():
    rng = np.random.default_rng(1)
    overhead = learnt([0.0125] * 20)
    before = overhead.estimate
    for excess in 0.0125 + rng.uniform(-0.002, 0.002, 200):
        overhead.add(measured=0.1 + excess, modelled=0.1)
        assert overhead.estimate == before


def test_one_slow_start_does_not_rule_a_young_window():
    assert learnt([2.0, 0.01, 0.01], quantile=0.95).estimate == pytest.approx(0.01)
    assert learnt([2.0, 0.01, 0.01], quantile=1.0).estimate == pytest.approx(2.0)


def test_it_forgets_what_is_older_than_its_window():
    assert learnt([1.0] * 20 + [0.0] * 20).estimate == 0.0


def test_an_unknown_measurement_is_left_out_and_a_negative_excess_is_no_credit():
    assert learnt([math.nan] * 5, initial=0.02).estimate == 0.02
    assert learnt([-0.05] * 5).estimate == 0.0
