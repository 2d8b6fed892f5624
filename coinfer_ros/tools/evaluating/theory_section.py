# SPDX-License-Identifier: Apache-2.0
"""Figs 2 to 4, as `coinfer figures` draws them, kept beside the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coinfer_ros.evaluation.figures.artifact import Artifact, write
from coinfer_ros.evaluation.report.parts import Figure, Section

_CAPTIONS = {
    "fig2-magnitudes.png": (
        "The paper's Fig. 2 on weights that are here: magnitudes with three fitted laws.",
        "Histograms of weight magnitudes of three models with exponential, half-normal and gamma "
        "laws, on a linear and on a logarithmic axis.",
    ),
    "fig3-output-distortion.png": (
        "The paper's Fig. 3: the output's error and its bound from the weights' error.",
        "Panels of L1 errors over bit-widths for three quantizers on two models; the bound lies "
        "above what was measured.",
    ),
    "fig4-rate-distortion.png": (
        "The paper's Fig. 4: both bounds, Blahut-Arimoto's points and the exact D(R).",
        "Distortion over rate on a logarithmic axis, and each curve over the exact one.",
    ),
}
FOLDER = "theory"


def keep(made: Sequence[Artifact], out: Path) -> None:
    """Write the figures; the last thing written says that all are there."""
    write(made, out / FOLDER)


def there(out: Path) -> bool:
    """Say whether all figures are there."""
    return all((out / FOLDER / name).exists() for name in _CAPTIONS)


def artifacts(out: Path) -> list[Artifact]:
    """Return the CSV files of the figures."""
    return [Artifact(path.name, path.read_bytes()) for path in sorted((out / FOLDER).glob("*.csv"))]


def section(out: Path, command: str) -> Section:
    """Return the section of Figs 2 to 4."""
    names = sorted(path.name for path in (out / FOLDER).glob("*.csv"))
    return Section(
        "Figures 2 to 4: the theory",
        (
            "Weights and outputs are those of models that are here; the curves of D(R) are for λ = "
            "1. `docs/theory.md` derives them.",
        ),
        tuple(
            Figure(
                Artifact(name, (out / FOLDER / name).read_bytes()),
                caption,
                alt,
                tuple(one for one in names if one.startswith(name[:4])),
            )
            for name, (caption, alt) in _CAPTIONS.items()
        ),
        command,
    )
