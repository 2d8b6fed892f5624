# SPDX-License-Identifier: Apache-2.0
"""Finds the files that the package ships (models, config, media, launch) wherever it is installed.

A source checkout and an editable installation have them beside this package. Every other way of
installing (CMake, colcon, pip) puts them into ``share/coinfer_ros`` below some folder above it,
and those with ROS put the nodes' executables into ``lib/coinfer_ros`` there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from coinfer_ros.core.errors import Unavailable

_PACKAGE = Path(__file__).parent


def path(name: str) -> Path:
    """Return the shipped file or folder of this name, for instance ``config/boards``.

    :param name: relative path with forward slashes.
    :raises Unavailable: when the package does not ship it; names the folder that was searched.
    """
    found = root() / name
    if not found.exists():
        raise Unavailable(
            f"{name} is not in {root()}: it is not shipped or the installation lost it"
        )
    return found


def executable(name: str) -> Path:
    """Return the program that runs the node of this name.

    :raises Unavailable: where the nodes were not built; says how to build them.
    """
    for folder in (*_PACKAGE.parents, _PACKAGE.parent / ".venv"):
        found = folder / "lib" / "coinfer_ros" / name
        if found.is_file():
            return found
    raise Unavailable(
        f"the node {name} is not installed with {_PACKAGE}: run make test in the checkout, or "
        "colcon build in a ROS 2 workspace"
    )


@cache
def root() -> Path:
    """Return the folder that holds what the package ships.

    :raises Unavailable: when the package was copied without it.
    """
    beside = _PACKAGE.parent
    shares = [folder / "share" / "coinfer_ros" for folder in _PACKAGE.parents]
    for folder in (beside, *shares):
        if (folder / "package.xml").is_file():
            return folder
    raise Unavailable(f"the files shipped with {_PACKAGE} are missing: install coinfer_ros again")
