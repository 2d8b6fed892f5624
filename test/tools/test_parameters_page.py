# SPDX-License-Identifier: Apache-2.0
"""The parameter page says what the declarations say."""

from __future__ import annotations

from pathlib import Path

import yaml

from coinfer_ros.core.settings import build, declared
from coinfer_ros.parameters import NODES
from coinfer_ros.tools.parameters_page import page

ROOT = Path(__file__).parents[2]


def test_the_page_in_the_repository_is_the_generated_one():
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page(), (
        "run: python -m coinfer_ros.tools.parameters_page > docs/parameters.md"
    )


def test_every_config_file_holds_the_defaults_and_every_name_is_declared():
    for name, kind in NODES.items():
        content = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
        values = content["/**"]["ros__parameters"]
        assert build(kind, values) == kind(), name


def test_every_config_file_shows_every_setting_that_users_tune():
    for name, kind in NODES.items():
        text = (ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8")
        missing = [s.name for s in declared(kind) if f"{s.name}:" not in text]
        assert missing == ["autostart"], name
