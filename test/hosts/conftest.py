# SPDX-License-Identifier: Apache-2.0
"""The whole system on two hosts of its own, one running system for all tests of this folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import pytest

from coinfer_ros.core.errors import NotPermitted, Unavailable
from coinfer_ros.tools.held_out import scene_example

# At the end: the installed coinfer_ros, which has the messages, must be found before the sources.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench.hosts.network import Network
from bench.hosts.outcome import await_whole
from bench.hosts.system import System

from .waiting import START_S

collect_ignore = ["spoiling.py", "wild.py"]

SIZE_PX = 320


@pytest.fixture(scope="package")
def network():
    try:
        made = Network()
    except (NotPermitted, Unavailable) as error:
        pytest.skip(f"no hosts of our own on this machine: {error}")
    with made:
        yield made


@pytest.fixture(scope="package")
def scene():
    """What the camera sees, with the captions that are true of it."""
    return scene_example(3, SIZE_PX)


@pytest.fixture(scope="package")
def running(network, scene, tmp_path_factory):
    pytest.importorskip("rclpy", reason="rclpy is not here: run make test")
    folder = tmp_path_factory.mktemp("hosts")
    images = folder / "images"
    images.mkdir()
    cv2.imwrite(str(images / "scene.png"), cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR))
    with System(network, folder, {"source": str(images)}) as running:
        yield running


@pytest.fixture
def system(network, running):
    """The system, whole."""
    begun_s = time.monotonic()
    network.mend()
    running.start(*running.ended())
    await_whole(running, since_s=begun_s, timeout_s=START_S)
    return running
