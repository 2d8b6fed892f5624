# SPDX-License-Identifier: Apache-2.0
"""A profile is refused unless its parts fit together, and survives JSON without a change."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile import (
    SERVED,
    Distortion,
    Energy,
    Latency,
    Profile,
    Quality,
    from_plain,
    to_plain,
)

NAN = math.nan


def rebuilt(profile: Profile) -> Profile:
    return from_plain(json.loads(json.dumps(to_plain(profile), allow_nan=False)))


def test_json_and_back_changes_nothing_and_writes_nan_as_null(robot, edge):
    for profile in (robot(), edge()):
        assert to_plain(rebuilt(profile)) == to_plain(profile)
    plain = to_plain(robot())
    assert plain["tokens"] is None
    assert plain["quality"]["cider"] == [None] * 4
    assert plain["layers"][0]["weight_rate"] == "inf"
    assert math.isinf(rebuilt(robot()).layers[0].weight_rate)


@settings(max_examples=30)
@given(data=st.data())
def test_every_finite_number_survives_to_its_last_digit(robot, data):
    seconds = st.floats(min_value=5e-324, max_value=1e300)
    values = np.array([sorted(data.draw(seconds) for _ in range(4)) for _ in range(12)])
    tables = (values[:, place].reshape(4, 3) for place in range(4))
    profile = robot(latency=Latency(*tables, samples=1))
    for name in ("p50_s", "p90_s", "p95_s", "p99_s"):
        before, after = getattr(profile.latency, name), getattr(rebuilt(profile).latency, name)
        assert (before == after).all()


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "coinfer-profile/2", "format must be 'coinfer-profile/1', got 'coinfer-prof"),
        (["format"], None, "format must be 'coinfer-profile/1', got None"),
        (["cut"], 7, "cut must be text, got int"),
        (["widths"], [8, 4, 2, 16], "widths must rise"),
        (["widths"], [2, 4, 8, 16.5], r"widths\[3\] must be a whole number"),
        (["clocks_hz"], [2e9, 1e9, 3e9], "clocks_hz must rise"),
        (["clocks_hz"], [1e9, None, 3e9], "clocks_hz must be in"),
        (["clocks_hz"], [1e9, 2e9], r"latency.p50_s must have shape \(4, 2\), got \(4, 3\)"),
        (["role"], "moon", "role must be one of robot, edge, got 'moon'"),
        (["role"], "edge", "widths and distortions of role edge must be one and none, got 4 and"),
        (["kernels"], ["int8"], "kernels must be one a width, 4, got 1"),
        (["flop"], -1, "flop must be in"),
        (["device", "cores"], 0, "device.cores must be a whole number in"),
        (["device", "cores"], True, "device.cores must be a whole number in"),
        (["device"], [], "device must be an object, got list"),
        (["latency", "samples"], 0, "latency.samples must be a whole number in"),
        (["latency", "p50_s"], "soon", "latency.p50_s must be a list, got str"),
        (["latency", "p50_s"], [[1.0], [1.0, 2.0]], "latency.p50_s must be real numbers"),
        (["latency", "p95_s", 0, 0], None, "latency.p95_s must be finite and above 0"),
        (["latency", "p95_s", 0, 0], 1e-9, "latency.p95_s must be at least the percentile"),
        (["energy", "error_j", 0, 0], None, "energy.error_j must be NaN where mean_j is"),
        (["wire", 0, "size_bytes"], 0, r"wire\[0\].size_bytes must be a whole number"),
        (["layers", 1, "ks"], 2.0, r"layers\[1\].ks must be in \[0.0, 1.0\]"),
        (["distortions", 0, "output"], [1.0], r"distortions\[0\].output must have shape \(4,\)"),
        (["distortions", 0, "output", 1], -1.0, r"distortions\[0\].output must be finite and at"),
        (["quality", "cider"], {}, "quality.cider must be a list, got dict"),
        (["steepness"], -1.0, "steepness must be a finite number of at least 0"),
        (["fingerprint"], "", "fingerprint must not be empty"),
    ],
)
def test_a_broken_field_is_refused_by_its_name(robot, path, value, says):
    content = to_plain(robot())
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidInput, match=says):
        from_plain(json.loads(json.dumps(content)))


def test_missing_and_unknown_fields_are_refused_together(robot):
    content = to_plain(robot())
    del content["latency"]["p95_s"]
    content["latency"]["p96_s"] = []
    with pytest.raises(InvalidInput, match=r"missing: latency.p95_s, unknown: latency.p96_s"):
        from_plain(content)
    with pytest.raises(InvalidInput, match="got 'list'"):
        from_plain([])


def test_what_was_not_measured_is_said_to_be_unknown(robot):
    shape = (4, 3)
    unmetered = Energy(np.full(shape, NAN), np.full(shape, NAN))
    assert robot().metered
    assert not robot(energy=unmetered).metered
    assert robot().losses == (4.0, 3.0, 2.0, 1.0)
    unseen = Distortion(SERVED, np.ones(4), np.ones(4), np.array([3.0, 2.0, NAN, 0.0]))
    assert robot(distortions=(unseen,)).losses is None
    assert robot(distortions=()).losses is None
    assert not robot().own_pace
    assert robot(clocks_hz=(NAN,)).own_pace


def test_tables_cannot_be_written_and_are_copies(robot):
    exact = np.full(4, 0.5)
    profile = robot(quality=Quality(exact, exact, 10))
    exact[0] = 1.0
    assert profile.quality.exact_match[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        profile.latency.p95_s[0, 0] = 0.0
