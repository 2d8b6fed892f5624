# SPDX-License-Identifier: Apache-2.0
"""The system trees of real boards that the tests write, for figures without the boards."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

DEVICES = Path(__file__).resolve().parent.parent / "test/adapters/devices"


def load(name: str) -> SimpleNamespace:
    """Return the functions of one of the tests' helper files."""
    return SimpleNamespace(**runpy.run_path(str(DEVICES / f"{name}.py")))
