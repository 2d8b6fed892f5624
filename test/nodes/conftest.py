# SPDX-License-Identifier: Apache-2.0
"""Nodes in one process, on a ROS domain of their own."""

from __future__ import annotations

import os
import time

import cv2
import numpy as np
import pytest

# Other graphs on this machine or network must neither hear nor disturb the tests. Up to 101:
# beyond, DDS's ports lie among those that the system hands out.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

rclpy = pytest.importorskip("rclpy", reason="rclpy is not here: run make test")


class Graph:
    """Runs nodes in this thread while a test waits for something."""

    def __init__(self):
        from rclpy.executors import SingleThreadedExecutor

        self.executor = SingleThreadedExecutor()
        self.nodes = []

    def add(self, kind, name, /, **parameters):
        """Make a node with parameters whose dots are written as two underscores."""
        from rclpy.parameter import Parameter

        overrides = [Parameter(k.replace("__", "."), value=v) for k, v in parameters.items()]
        node = kind(name, parameter_overrides=overrides)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def remove(self, node):
        node.release()
        self.executor.remove_node(node)
        node.destroy_node()
        self.nodes.remove(node)

    def until(self, condition, timeout_s=20.0):
        """Spin until ``condition()`` holds and return what it returned."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            self.executor.spin_once(timeout_sec=0.02)
            result = condition()
            if result:
                return result
        pytest.fail(f"nothing after {timeout_s} s: {condition}")

    def spin(self, seconds):
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.executor.spin_once(timeout_sec=0.02)

    def close(self):
        for node in list(self.nodes):
            self.remove(node)
        self.executor.shutdown()


@pytest.fixture
def graph():
    rclpy.init()
    graph = Graph()
    yield graph
    graph.close()
    rclpy.try_shutdown()


@pytest.fixture
def images(tmp_path):
    """A folder with one plain image."""
    folder = tmp_path / "images"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((96, 96, 3), 128, np.uint8))
    return str(folder)
