# SPDX-License-Identifier: Apache-2.0
"""Finds how MuJoCo can draw without a screen: on a GPU or a CPU by EGL, or on a CPU by OSMesa."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from functools import cache
from typing import Any

from coinfer_ros.core.errors import Unavailable

WAYS = ("egl", "osmesa")
_TRIAL = "import mujoco; context = mujoco.GLContext(8, 8); context.make_current(); context.free()"
_TRIAL_S = 60.0
INSTALL = "pip install 'coinfer_ros[simulation]'"


def use_offscreen_graphics() -> str:
    """Choose how MuJoCo draws, before it is imported; ``MUJOCO_GL`` is kept where it is set.

    :returns: ``egl`` or ``osmesa``, or what ``MUJOCO_GL`` says.
    :raises Unavailable: when MuJoCo is not installed, none works (with the package that helps), or
        it was imported before this choice, so that it draws in windows.
    """
    if "mujoco" in sys.modules and "MUJOCO_GL" not in os.environ:
        raise Unavailable(
            "MUJOCO_GL must be set before mujoco is imported, got an import without it: set it to "
            f"one of {', '.join(WAYS)}"
        )
    chosen = os.environ.get("MUJOCO_GL") or _first_that_works()
    os.environ["MUJOCO_GL"] = chosen
    return chosen


def mujoco_that_draws() -> Any:
    """Return the module ``mujoco``, imported such that it draws off screen.

    :raises Unavailable: as above, or when what ``MUJOCO_GL`` names cannot be loaded.
    """
    chosen = use_offscreen_graphics()
    try:
        return importlib.import_module("mujoco")
    except ModuleNotFoundError as error:
        raise Unavailable(f"the simulator needs MuJoCo: {INSTALL}") from error
    except Exception as error:  # PyOpenGL says what it lacks by an AttributeError
        raise cannot_draw(chosen, error) from error


def cannot_draw(way: str, error: Exception) -> Unavailable:
    """Return the error of a way to draw that was named and does not work."""
    return Unavailable(
        f"MUJOCO_GL must name a way to draw that works here, one of {', '.join(WAYS)}, or be "
        f"unset, got {way!r}: {error}"
    )


@cache
def _first_that_works() -> str:
    # MuJoCo's choice is made once a process, as it is imported: a trial needs one of its own.
    reasons = []
    for way in WAYS:
        trial = subprocess.run(  # noqa: S603  this interpreter, a constant program
            [sys.executable, "-c", _TRIAL],
            env={**os.environ, "MUJOCO_GL": way},
            capture_output=True,
            text=True,
            timeout=_TRIAL_S,
            check=False,
        )
        if trial.returncode == 0:
            return way
        reasons.append((way, (trial.stderr.strip().splitlines() or ["no reason given"])[-1]))
        if "No module named 'mujoco'" in trial.stderr:
            raise Unavailable(f"the simulator needs MuJoCo: {INSTALL}")
    told = "; ".join(f"{way}: {reason}" for way, reason in reasons)
    raise Unavailable(
        "the simulator must draw without a screen, by EGL (Debian and Ubuntu: apt install libegl1 "
        f"libgl1-mesa-dri) or OSMesa (apt install libosmesa6), got {told}"
    )
