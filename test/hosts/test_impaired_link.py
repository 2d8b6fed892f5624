# SPDX-License-Identifier: Apache-2.0
"""Answers over a link that delays, loses, reorders, is slow or is cut: they flow or say why not."""

from __future__ import annotations

import math
import time

import pytest
from scipy.stats import binom

from bench.hosts.impairment import NONE, Impairment
from bench.hosts.outcome import LATE, STALE, await_whole, outcome
from coinfer_ros.parameters import ControllerSettings, RobotSettings

from .waiting import START_S, until

pytestmark = [pytest.mark.ros, pytest.mark.slow]

BUDGET_S, LEASE_S = ControllerSettings().delay_s, ControllerSettings().lease_s
TIMEOUT_S = RobotSettings().timeout_s
# For the requests that were under way when the link changed.
SETTLE_S = 1.0
WINDOW_S = 4.0
CUT_S = 10.0
# The embedding has 17 * 128 values of 2 bytes and at most 256 bytes beside them, a packet at most
# 1480 bytes of IP; the result is one.
EMBEDDING_PACKETS, RESULT_PACKETS = math.ceil((17 * 128 * 2 + 256) / 1480), 1
ALMOST_NEVER = 1e-6
# A robot that hears nothing says so within this time.
SAID_S = 1.0


def watched(system, seconds):
    begun_s = time.monotonic()
    time.sleep(seconds)
    return outcome(system.ear.all("answer", since_s=begun_s), seconds, BUDGET_S)


def report(name, found):
    print(
        f"{name}: {found.rate_hz:.2f} OK/s, {found.ok} of {found.ended} OK, {found.late} late, "
        f"{found.in_budget} within the budget, median {found.median_s:.3f} s"
    )


@pytest.mark.parametrize(
    "impairment",
    [
        NONE,
        Impairment(delay_ms=20.0),
        Impairment(delay_ms=20.0, jitter_ms=10.0),
        Impairment(loss_percent=2.0),
        Impairment(delay_ms=20.0, reorder_percent=5.0),
        Impairment(rate_mbit=20.0),
    ],
    ids=str,
)
def test_answers_flow_over_an_impaired_link_and_every_request_ends(system, network, impairment):
    network.impair(impairment)
    time.sleep(SETTLE_S)
    # The rarer the event, the longer the look.
    found = watched(system, 2.0 * WINDOW_S if impairment.loss_percent else WINDOW_S)
    report(impairment, found)
    assert found.lost == 0
    assert found.ok + found.late == found.ended
    # One packet that is lost loses its request, if nothing is sent again.
    packets = EMBEDDING_PACKETS + RESULT_PACKETS
    risk = 1.0 - (1.0 - impairment.loss_percent / 100.0) ** packets
    assert found.late <= binom.ppf(1.0 - ALMOST_NEVER, found.ended, risk)
    # What was lost was waited for; in the rest of the time, answers within the budget, one after
    # the other, are the rate that was asked for.
    left_s = found.seconds - found.late * TIMEOUT_S
    assert found.ok > 0.5 * left_s / BUDGET_S


def test_a_cut_is_said_within_a_second_and_what_it_has_stopped_goes_on_after_it(
    system, network, scene
):
    cut_s = time.monotonic()
    network.cut()
    said = system.ear.first(
        "answer", lambda a: a.status == LATE, since_s=cut_s, timeout_s=2.0 * SAID_S
    )
    # The edge, which hears of no plan any more, gives its clock back.
    edge = system.boards["edge"]
    until(lambda: edge.achieved().hz == edge.default_hz, timeout_s=2.0 * LEASE_S)
    back_s = time.monotonic() - cut_s
    time.sleep(max(cut_s + CUT_S - time.monotonic(), 0.0))
    mended_s = time.monotonic()
    network.mend()
    again = await_whole(system, since_s=mended_s, timeout_s=START_S)
    print(
        f"said after {said.at_s - cut_s:.2f} s, edge's clock back after {back_s:.2f} s, "
        f"OK {again.at_s - mended_s:.2f} s after the mending"
    )
    assert said.at_s - cut_s <= SAID_S
    meanwhile = system.ear.all("answer", since_s=said.at_s, until_s=mended_s)
    # What stands in for an answer is told apart, and says from when it is.
    assert {(a.message.status, a.message.source) for a in meanwhile} == {(LATE, STALE)}
    assert {a.message.text for a in meanwhile} <= set(scene.captions)
    assert all("silent" in a.message.reason and a.message.age_s > 0.0 for a in meanwhile)
    everything = outcome(system.ear.all("answer", since_s=cut_s), CUT_S, BUDGET_S)
    assert everything.lost == 0
    assert everything.ok + everything.late == everything.ended
