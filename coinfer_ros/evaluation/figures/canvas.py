# SPDX-License-Identifier: Apache-2.0
"""Where figures are drawn: one look for all of them, read by colour-blind eyes and in print."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.evaluation.figures.artifact import Artifact

# The colours of Okabe and Ito, told apart with every kind of colour vision.
BLACK, BLUE, VERMILION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
SKY, PURPLE = "#56B4E9", "#CC79A7"
DOTS_PER_INCH = 110
_LOOK = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#E2E2E2",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
}
# No version of the library inside: the same drawing gives the same bytes. Optimised, it is smaller.
_PNG: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}


def matplotlib() -> Any:
    """Return the library that draws.

    :raises Unavailable: when it is not here.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(
            "figures need matplotlib, which is not here: pip install 'matplotlib>=3.8'"
        ) from error
    return mpl


def png_artifact(
    name: str,
    draw: Callable[[Any], None],
    *,
    rows: int,
    columns: int,
    width_in: float,
    height_in: float,
) -> Artifact:
    """Draw a figure by Agg, without a screen, and return it as PNG.

    :param name: the file's name.
    :param draw: gets the panels' axes (rows, columns) and draws on them.
    :param rows: rows of panels.
    :param columns: columns of panels.
    :param width_in: width, inches of 110 pixels.
    :param height_in: height, inches.
    :raises Unavailable: when matplotlib is not here.
    """
    mpl = matplotlib()
    from matplotlib.figure import Figure  # noqa: PLC0415  the numbers need none of it

    stream = io.BytesIO()
    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        draw(figure.subplots(rows, columns, squeeze=False))
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, **_PNG)
    return Artifact(name, stream.getvalue())


def plain_logarithmic(axis: Any) -> None:
    """Make the horizontal axis logarithmic, its ticks written as they are said: 0.2, 0.5, 1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
