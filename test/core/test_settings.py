# SPDX-License-Identifier: Apache-2.0
"""Every offender of a settings class is named in one message."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.settings import build, declared
from coinfer_ros.parameters import NODES, ControllerSettings, RobotSettings


def test_defaults_are_taken_for_what_is_absent():
    assert build(ControllerSettings, {"budget.delay_s": 0.2}).delay_s == 0.2
    assert build(ControllerSettings, {}) == ControllerSettings()


def test_a_whole_number_is_taken_for_a_real_one():
    assert build(ControllerSettings, {"budget.delay_s": 1}).delay_s == 1.0


def test_all_offenders_are_named_at_once():
    with pytest.raises(InvalidInput) as refusal:
        build(ControllerSettings, {"budget.delays": 1.0, "budget.delay_s": math.nan})
    assert "unknown setting 'budget.delays'" in str(refusal.value)
    assert "budget.delay_s must be in [0.001, 60.0], got nan" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget.delay_s", 0.0),
        ("budget.delay_s", -1.0),
        ("budget.delay_s", "fast"),
        ("budget.delay_s", True),
        ("budget.energy_j", math.inf),
        ("quant.max_bits", 17),
        ("quant.max_bits", 8.0),
        ("quant.max_wire_bits", 9),
        ("quant.max_wire_bits", 8.0),
        ("autostart", 1),
        ("model.path", 3),
        ("model.path", "x" * 1025),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_by_name(name, value):
    with pytest.raises(InvalidInput, match=f"{name} must be .*, got"):
        build(ControllerSettings, {name: value})


@pytest.mark.parametrize("node", NODES)
def test_every_setting_of_a_node_has_a_default_that_keeps_its_own_rule(node):
    for setting in declared(NODES[node]):
        assert setting.check(setting.default) == setting.default


def test_names_end_in_their_unit_where_they_have_one():
    ratios = ("plan.percentile", "plan.hysteresis", "clock.tolerance", "clock.rate", "link.lost")
    ending = ("_s", "_j", "_hz", "_flop", "_bits", "_bps", "_w")
    for settings in NODES.values():
        for setting in declared(settings):
            if isinstance(setting.default, float):
                assert setting.name.endswith(ending) or setting.name in ratios


def test_choices_are_exact():
    assert build(RobotSettings, {"quant.weight_bits": 4}).weight_bits == 4
    with pytest.raises(InvalidInput, match="one of 2, 3, 4, 5, 6, 7, 8, 16, got 9"):
        build(RobotSettings, {"quant.weight_bits": 9})
