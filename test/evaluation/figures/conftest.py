# SPDX-License-Identifier: Apache-2.0
"""Reads pictures and tables back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from coinfer_ros.evaluation.figures.artifact import Artifact

Rows = list[dict[str, str]]


@pytest.fixture
def colours() -> Callable[[Artifact, int, int], list[int]]:
    """Count the colours in each panel's share of a picture."""

    def count(picture: Artifact, rows: int, columns: int) -> list[int]:
        image = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        panels = [
            part
            for band in np.array_split(image, rows, axis=0)
            for part in np.array_split(band, columns, axis=1)
        ]
        return [_saturated_hues(panel) for panel in panels]

    return count


@pytest.fixture
def read() -> Callable[[Artifact], Rows]:
    """Read a table back, one mapping from column to text a row."""
    return lambda table: list(csv.DictReader(io.StringIO(table.content.decode())))


def _saturated_hues(panel: np.ndarray) -> int:
    """Count hues, in steps of 20 degrees, that at least 20 saturated pixels have."""
    hue, saturation, _ = cv2.split(cv2.cvtColor(panel, cv2.COLOR_BGR2HSV))
    counts = np.bincount(hue[saturation > 100] // 10, minlength=18)
    return int((counts >= 20).sum())
