# SPDX-License-Identifier: Apache-2.0
"""People get all of every finding within their terminal, and each command on one line to copy."""

from __future__ import annotations

import pytest

from coinfer_ros.tools.doctoring.finding import Finding, Status
from coinfer_ros.tools.doctoring.screen import show

LONG = "sudo sysctl -w net.core.rmem_max=12582912 net.core.rmem_default=12582912 and-more-to-say"
PATH = "/a/path/that/is/far/too/long/for/one/line/of/a/terminal/of/eighty/columns/in/all"
FINDINGS = [
    Finding("power", "nvml GPU 0", Status.GOOD, "[GPU] 38 W now; " + 20 * "and so on "),
    Finding("power", "battery", Status.MISSING, PATH),
    Finding("ROS", "settings", Status.LIMITED, "x", LONG),
    Finding("ROS", "nodes", Status.FAULT, "y", LONG),
]


def test_nothing_is_cut_off_and_nothing_is_too_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(FINDINGS, [LONG], "nothing measures power")
    table, _, rest = capsys.readouterr().out.partition("What would mend it:\n")
    assert max(map(len, table.splitlines())) <= 80
    assert rest.splitlines() == [f"  {LONG}", "In short: nothing measures power"]
    text = "".join(table.split())
    assert all(found.status.value in text for found in FINDINGS)
    assert text.count("andsoon") == 20
    assert "[GPU]38Wnow" in text
    assert text.count(PATH) == 1


def test_areas_come_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    show(FINDINGS, [], "")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line in {"power", "ROS"}] == ["power", "ROS"]
    assert "What would mend it:" not in lines
