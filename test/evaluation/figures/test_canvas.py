# SPDX-License-Identifier: Apache-2.0
"""The same drawing gives the same bytes, and without matplotlib one line says how to get it."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.evaluation.figures import canvas

SIZE = {"rows": 1, "columns": 1, "width_in": 3.0, "height_in": 2.0}


def draw(axes: Any) -> None:
    axes[0, 0].plot([0, 1], [0, 1], color=canvas.VERMILION)


def test_the_same_drawing_gives_the_same_bytes_of_the_size_asked_for() -> None:
    first = canvas.png_artifact("a.png", draw, **SIZE)
    assert first == canvas.png_artifact("a.png", draw, **SIZE)
    image = cv2.imdecode(np.frombuffer(first.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (2 * canvas.DOTS_PER_INCH, 3 * canvas.DOTS_PER_INCH, 3)
    # The line, in its own colour: blue, green, red.
    assert (image == (0x00, 0x5E, 0xD5)).all(axis=2).sum() > 100


def test_drawing_leaves_the_process_s_own_settings_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    canvas.png_artifact("a.png", draw, **SIZE)
    assert dict(mpl.rcParams) == before


def test_without_matplotlib_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Unavailable, match=r"figures need matplotlib.*: pip install 'matplotlib>="):
        canvas.matplotlib()
