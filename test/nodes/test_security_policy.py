# SPDX-License-Identifier: Apache-2.0
"""The shipped policy allows every node what a running graph uses, and nothing else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from rclpy.action import (
    get_action_client_names_and_types_by_node,
    get_action_server_names_and_types_by_node,
)

from coinfer_ros.graph import demo_graph
from coinfer_ros.nodes import peer
from coinfer_ros.nodes.camera import CameraNode
from coinfer_ros.nodes.controller import ControllerNode
from coinfer_ros.nodes.device import DeviceNode
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.recorder import RecorderNode
from coinfer_ros.nodes.robot import RobotNode

from .conftest import Graph

pytestmark = pytest.mark.ros

POLICY = Path(__file__).resolve().parents[2] / "config" / "security" / "policy.xml"
INCLUDE = "{http://www.w3.org/2001/XInclude}include"
# Of the schema 0.2.0: what a list of names may allow.
QUALIFIERS = {
    "topics": {"publish", "subscribe"},
    "services": {"reply", "request"},
    "actions": {"call", "execute"},
}
KINDS = {
    "camera": CameraNode,
    "controller": ControllerNode,
    "device": DeviceNode,
    "edge": EdgeNode,
    "robot": RobotNode,
}
RECORDER = "recorder"
LISTENING = "0A"  # as /proc/net/tcp has it
SECURE = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce"}


def profiles() -> dict[str, ET.Element]:
    """Return each enclave's one profile, what it includes in the place of the inclusion."""
    found = {}
    for enclave in ET.parse(POLICY).getroot().iter("enclave"):  # noqa: S314 - our own file
        (profile,) = enclave.iter("profile")
        for include in profile.findall(INCLUDE):
            profile.remove(include)
            profile.extend(ET.parse(POLICY.parent / include.get("href", "")).getroot())  # noqa: S314
        found[enclave.get("path", "")] = profile
    return found


def allowed() -> dict[str, dict[str, set[str]]]:
    """Return the full names that each enclave allows, by what is allowed."""
    table = {}
    for path, profile in profiles().items():
        space, node = profile.get("ns", ""), profile.get("node", "")
        table[path] = names = defaultdict(set)
        for rules in profile:
            for qualifier in rules.attrib:
                names[qualifier] |= {full_name(one.text or "", space, node) for one in rules}
    return table


def full_name(name: str, space: str, node: str) -> str:
    """Return a policy's name as the graph has it."""
    if name.startswith("/"):
        return name
    start = space if space.endswith("/") else f"{space}/"
    return f"{start}{node}{name[1:]}" if name.startswith("~") else f"{start}{name}"


def used(watcher, name: str) -> dict[str, set[str]]:
    """Return what a node of the running graph uses, by what a policy calls it."""
    node = name, "/"
    asked = {
        "publish": watcher.get_publisher_names_and_types_by_node,
        "subscribe": watcher.get_subscriber_names_and_types_by_node,
        "reply": watcher.get_service_names_and_types_by_node,
        "request": watcher.get_client_names_and_types_by_node,
    }
    plain = {
        qualifier: {one for one, _ in ask(*node) if "/_action/" not in one}
        for qualifier, ask in asked.items()
    }
    actions = {
        "execute": get_action_server_names_and_types_by_node(watcher, *node),
        "call": get_action_client_names_and_types_by_node(watcher, *node),
    }
    return {**plain, **{what: {one for one, _ in found} for what, found in actions.items()}}


class Demo:
    """Every node of the demo and a recorder, active, in one process."""

    def __init__(self, graph, images, tmp_path):
        self.graph = graph
        self._specs = {spec.name: spec for spec in demo_graph({"source": images})}
        self._boards = {"board.state_dir": str(tmp_path / "boards")}
        self.nodes = {name: self.start(name) for name in self._specs}
        self.nodes[RECORDER] = graph.add(RecorderNode, RECORDER)
        assert self.nodes[RECORDER].autostart()

    def start(self, name, **more):
        spec = self._specs[name]
        boards = self._boards if spec.executable in {"robot", "edge", "device"} else {}
        parameters = {**spec.parameters, **boards, **more}
        node = self.graph.add(KINDS[spec.executable], name, **parameters)
        assert node.autostart(), name
        return node

    def in_use(self):
        """Return what every node uses once all of them have told of it.

        Of earlier tests' nodes of the same names something may linger for a while.
        """
        watcher, shipped, before = self.nodes["camera"], merged(allowed()), None
        for _ in range(60):
            self.graph.spin(1.0)
            found = {f"/coinfer/{name}": used(watcher, name) for name in self.nodes}
            told = all(names["publish"] for names in found.values())
            if told and found == before and _within(merged(found), shipped):
                break
            before = found
        return found

    def while_tuning(self):
        """Return what the recorder uses while it changes a budget."""
        recorder = self.nodes[RECORDER]
        recorder._set("/controller", {"budget.delay_s": 0.3})
        return {f"/coinfer/{RECORDER}": used(recorder, RECORDER)}

    def with_compressed_images(self):
        """Return what all use when the robot's camera sends JPEG."""
        self.graph.remove(self.nodes["robot"])
        self.nodes["robot"] = self.start("robot", camera__compressed=True)
        return self.in_use()


def _within(found, shipped):
    return all(
        names <= shipped.get(path, {}).get(qualifier, set())
        for path, each in found.items()
        for qualifier, names in each.items()
    )


@pytest.fixture
def graph(monkeypatch):
    """A graph on a domain of its own: earlier tests' nodes have the same names."""
    import rclpy

    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + (os.getpid() + 50) % 100))
    rclpy.init()
    graph = Graph()
    yield graph
    graph.close()
    rclpy.try_shutdown()


@pytest.fixture
def demo(graph, images, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # the recorder reads commands from it
    return Demo(graph, images, tmp_path)


def merged(*tables):
    """Return the names of several tables together, without what nobody uses."""
    both = defaultdict(lambda: defaultdict(set))
    for table in tables:
        for path, names in table.items():
            for qualifier, found in names.items():
                both[path][qualifier] |= found
    return {p: {q: found for q, found in names.items() if found} for p, names in both.items()}


@pytest.mark.slow
def test_every_enclave_allows_what_its_node_uses_and_nothing_else(demo):
    seen = merged(demo.in_use(), demo.while_tuning(), demo.with_compressed_images())
    shipped = merged(allowed())
    assert shipped.keys() == seen.keys()
    for path, names in seen.items():
        assert shipped[path] == names, path


@pytest.mark.slow
def test_no_node_listens_for_connections(demo):
    demo.in_use()
    ours = {os.readlink(file) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()}
    sockets = [
        line.split()
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/self/net/{family}").read_text(encoding="utf-8").splitlines()[1:]
    ]
    listening = [one[1] for one in sockets if one[3] == LISTENING and f"socket:[{one[9]}]" in ours]
    assert listening == []


def test_there_is_an_enclave_for_every_node_of_the_graph():
    nodes = {spec.name for spec in demo_graph({})} | {RECORDER}
    assert set(allowed()) == {f"/coinfer/{name}" for name in nodes}
    assert {profile.get("node") for profile in profiles().values()} == nodes


def test_the_policy_is_of_the_schema_that_sros2_takes_and_names_everything_in_full():
    root = ET.parse(POLICY).getroot()  # noqa: S314 - our own file
    assert (root.tag, root.get("version")) == ("policy", "0.2.0")
    for profile in profiles().values():
        for rules in profile:
            assert set(rules.attrib) <= QUALIFIERS[rules.tag]
            assert set(rules.attrib.values()) == {"ALLOW"}
            assert {one.tag for one in rules} == {rules.tag[:-1]}
            assert not any(set(one.text or "*") & set("*?[] ") for one in rules)


@pytest.mark.parametrize(
    ("qualifier", "name", "enclaves"),
    [
        ("publish", "/plan", {"controller"}),
        ("publish", "/edge/plan", {"controller"}),
        ("publish", "/edge/embedding", {"robot"}),
        ("subscribe", "/edge/embedding", {"edge"}),
        ("publish", "/edge/result", {"edge"}),
        ("subscribe", "/image", {"robot", "recorder"}),
        ("request", "/controller/set_parameters_atomically", {"recorder"}),
        ("request", "/edge/change_state", set()),
        ("execute", "/infer", {"robot"}),
    ],
)
def test_who_may_command_and_who_may_see(qualifier, name, enclaves):
    may = {path for path, names in allowed().items() if name in names[qualifier]}
    assert may == {f"/coinfer/{one}" for one in enclaves}


def test_without_security_in_the_middleware_a_node_that_is_told_to_enforce_it_does_not_start(
    tmp_path,
):
    if has_security():
        pytest.skip("this Fast DDS has DDS security: there is nothing to refuse")
    (tmp_path / "enclaves" / "coinfer" / "robot").mkdir(parents=True)
    keystore = {"ROS_SECURITY_KEYSTORE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", peer.__name__, "look", "--timeout-s", "0.1"],
        env={**os.environ, **SECURE, **keystore, "ROS_SECURITY_ENCLAVE_OVERRIDE": "/coinfer/robot"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "This Fast DDS version doesn't have the security libraries" in done.stderr


def has_security() -> bool:
    """Tell whether the Fast DDS of this process was built with DDS security."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    libraries = {line.split()[-1] for line in maps if "/libfastrtps.so" in line}
    return any(b"dds.sec.auth.plugin" in Path(one).read_bytes() for one in libraries)
