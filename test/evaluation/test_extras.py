# SPDX-License-Identifier: Apache-2.0
"""What an extra brings is named, with the line that installs it."""

from __future__ import annotations

import json

import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.evaluation.extras import needed


def test_what_is_there_is_returned() -> None:
    assert needed("json") is json


def test_what_is_not_there_is_named_with_the_remedy() -> None:
    with pytest.raises(Unavailable, match=r"^this needs no_such_solver, .*\.\[evaluation\]'$"):
        needed("no_such_solver")
