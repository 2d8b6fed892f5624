# SPDX-License-Identifier: Apache-2.0
"""Makes a page like a real one: three pictures, three tables of ten columns, long captions."""

from __future__ import annotations

import cv2
import numpy as np

from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.report.page import page
from coinfer_ros.evaluation.report.parts import Figure, Section, Table

WIDTH_PX, HEIGHT_PX = 957, 540  # more than a phone's, and than the column on a desk
COLUMNS = (
    *("method", "delay budget (s)", "energy budget (J)", "bits of weights", "robot's clock (GHz)"),
    *("edge's clock (GHz)", "distortion", "energy an answer (J)", "feasible", "time to decide"),
)
NUMBERS = ("2.00", "3.0", "8", "1.250", "2.100", "7.61e-01 ± 4.7e-03", "unknown", "64 %", "24.3 ms")
METHODS = (
    "exact",
    "SCA of the paper",
    "a random choice of all that is feasible",
    "PPO",
    "one clock",
)
LONG = (
    "Lines are bounds, marks are measured with `coinfer quantize --bits b`, bars are intervals. "
    * 4
)


def picture(name: str, pixels: np.ndarray) -> Artifact:
    done, content = cv2.imencode(".png", pixels)
    assert done
    return Artifact(name, content.tobytes())


def stripes(name: str) -> Artifact:
    line = np.linspace(0, 255, WIDTH_PX).astype(np.uint8)
    return picture(name, np.tile(line, (HEIGHT_PX, 1)))


def white(name: str) -> Artifact:
    return picture(name, np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8))


def figure(artifact: Artifact) -> Figure:
    return Figure(artifact, LONG, f"what {artifact.name} shows", (f"{artifact.name}.csv",))


def table(title: str) -> Table:
    rows = tuple((method, *NUMBERS) for method in METHODS)
    return Table(title, COLUMNS, rows, LONG, ("comparison.csv",), frozenset({(0, 6), (3, 2)}))


def example(*figures: Figure) -> Artifact:
    """Return the page with these figures instead of its own."""
    shown = figures or tuple(figure(stripes(f"{n}.png")) for n in range(3))
    sections = (
        Section("Pictures", (LONG,), shown, "coinfer evaluate --only pictures"),
        Section(
            "Tables", (LONG, LONG), tuple(map(table, "abc")), "coinfer evaluate " + "--x y " * 9
        ),
        Section("Words alone", ("See [the paper](https://arxiv.org/abs/2602.13052).",), (), "true"),
    )
    facts = [("machine", "a laptop"), ("command", "`coinfer evaluate --out docs`"), ("seeds", "1")]
    return page("A report of what was found", ["It holds ([Table 2](#table-2))."], facts, sections)
