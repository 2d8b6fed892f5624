# SPDX-License-Identifier: Apache-2.0
"""Finds what a parameter points to: a path of the user's, else something the package ships."""

from __future__ import annotations

import contextlib
from pathlib import Path

from coinfer_ros import resources
from coinfer_ros.core.errors import Unavailable


def model(value: str) -> Path:
    """Return the model folder that ``model.path`` names, or that of a shipped model's name.

    :raises Unavailable: when neither the user nor the package has it.
    """
    if value and "/" not in value and not Path(value).exists():
        with contextlib.suppress(Unavailable):
            return resources.path(f"models/{value}")
    return _either("model.path", value, "a folder or the name of a shipped model")


def board(value: str) -> Path:
    """Return the board file that ``board.file`` names by path or by a shipped board's name.

    :raises Unavailable: when there is no such file; names the shipped ones.
    """
    if value.endswith((".yaml", ".yml")) or "/" in value:
        return Path(value).expanduser()
    folder = resources.path("config/boards")
    path = folder / f"{value}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise Unavailable(f"board.file must be a YAML file or one of {shipped}, got {value!r}")
    return path


def transport(value: str) -> Path:
    """Return the Fast DDS profile that ``transport`` names by path or by a shipped one's name.

    :raises Unavailable: when there is no such file; names the shipped ones.
    """
    if value.endswith(".xml") or "/" in value:
        return Path(value).expanduser().absolute()
    folder = resources.path("config/transport")
    path = folder / f"{value}.xml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in folder.glob("*.xml")))
        raise Unavailable(f"transport must be an XML file or one of {shipped}, got {value!r}")
    return path


def environment(transport_name: str) -> dict[str, str]:
    """Return what a node's environment has to say for a transport; nothing for none.

    :raises Unavailable: as ``transport``.
    """
    # The variable of Fast DDS 2, which Jazzy has.
    name = "FASTRTPS_DEFAULT_PROFILES_FILE"
    return {name: str(transport(transport_name))} if transport_name else {}


def camera(value: str) -> str:
    """Return the camera source that ``camera.source`` names; devices and URLs as they are."""
    if not value or value.isdigit() or "://" in value or value.startswith("/"):
        return value
    return str(_either("camera.source", value, "a device, URL, video file or folder"))


def _either(name: str, value: str, rule: str) -> Path:
    own = Path(value).expanduser()
    if not value or own.is_absolute() or own.exists():
        return own
    try:
        return resources.path(value)
    except Unavailable as error:
        raise Unavailable(
            f"{name} must be {rule}, got {value!r}: not in {Path.cwd()} nor in the package's share"
        ) from error
