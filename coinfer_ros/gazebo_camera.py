# SPDX-License-Identifier: Apache-2.0
"""Tells before Gazebo starts whether its world has a camera that the bridge takes to ROS."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from coinfer_ros.core.errors import InvalidInput

# What each kind of sensor adds to its <topic> for its colour image (gz-sensors 8). Without a
# <topic> it is /world/.../image, which is bridged under no name here.
_IMAGES = {"camera": "", "wideanglecamera": "", "wide_angle_camera": "", "rgbd_camera": "/image"}
_FOLDERS = ("GZ_SIM_RESOURCE_PATH", "SDF_PATH")  # in which Gazebo and sdformat look for models


@dataclass
class _Found:
    topics: list[str] = field(default_factory=list)  # of cameras; empty: the default
    closed: list[str] = field(default_factory=list)  # URIs of what could not be looked into
    files: set[Path] = field(default_factory=set)


def check_camera(world: Path, bridge: Path) -> str:
    """Return what is doubtful about a world's camera; empty: it has one.

    :param world: SDF file; what it includes from this machine's files is looked into.
    :param bridge: configuration of ros_gz_bridge.
    :raises InvalidInput: when the file is no XML, or has certainly no such camera.
    """
    wanted, found = _image_topic(bridge), _Found()
    _look(_parsed(world), world, found)
    if wanted in found.topics:
        return ""
    rule = f"a camera sensor with <topic>{wanted}</topic>, which {bridge.name} takes to ROS"
    seen = ", ".join(topic or "one without <topic>" for topic in found.topics) or "none"
    if not found.closed:
        raise InvalidInput(f"world must have {rule}, got {world} with cameras: {seen}")
    return (
        f"world {world} shows no image unless {', '.join(sorted(set(found.closed)))}, which could "
        f"not be looked into, has {rule}; found cameras: {seen}"
    )


def _image_topic(bridge: Path) -> str:
    entries = yaml.safe_load(bridge.read_text(encoding="utf-8"))
    (topic,) = (e["gz_topic_name"] for e in entries if e["ros_topic_name"] == "image")
    return str(topic)


def _parsed(file: Path) -> ET.Element:
    try:
        return ET.parse(file).getroot()  # noqa: S314  a file that the user is about to run
    except (ET.ParseError, ValueError, LookupError) as error:
        raise InvalidInput(f"world must be SDF, which is XML, got {file}: {error}") from error


def _look(root: ET.Element, file: Path, found: _Found) -> None:
    """Note the cameras of a file and of what it includes."""
    found.files.add(file.resolve())
    for sensor in root.iter("sensor"):
        kind = sensor.get("type", "")
        if kind in _IMAGES:
            topic = (sensor.findtext("topic") or "").strip().strip("/")
            found.topics.append(f"/{topic}{_IMAGES[kind]}" if topic else "")
    for include in root.iter("include"):
        uri = (include.findtext("uri") or "").strip()
        _look_into(uri, file.parent, found)


def _look_into(uri: str, beside: Path, found: _Found) -> None:
    file = next((f for f in _files(uri, beside) if f.is_file()), None)
    if file is None:
        found.closed.append(uri)
    elif file.resolve() not in found.files:
        try:
            root = _parsed(file)
        except InvalidInput:
            found.closed.append(uri)
            return
        if root.tag == "sdf":
            _look(root, file, found)
        else:  # URDF, say, whose sensors Gazebo makes itself
            found.closed.append(uri)


def _files(uri: str, beside: Path) -> Iterator[Path]:
    """Yield the SDF files that a URI may mean on this machine; none of a server's."""
    scheme, separator, path = uri.partition("://")
    if not separator:
        scheme, path = "file", uri
    if scheme not in ("file", "model") or not path:
        return
    listed = (folder for name in _FOLDERS for folder in os.environ.get(name, "").split(":"))
    for folder in (beside, *(Path(folder) for folder in listed if folder)):
        place = folder / path  # an absolute path stays as it is
        yield place
        config = place / "model.config"
        if config.is_file():
            yield from (place / name for name in _named_in(config))
        yield place / "model.sdf"


def _named_in(config: Path) -> list[str]:
    """Return the files that a model's folder says to hold it."""
    try:
        root = _parsed(config)
    except InvalidInput:
        return []
    return [(sdf.text or "").strip() for sdf in root.iter("sdf")]
