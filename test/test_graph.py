# SPDX-License-Identifier: Apache-2.0
"""The graph is data that the launch files, the demo and the parameters agree on."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from coinfer_ros import graph, locate
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.settings import build
from coinfer_ros.parameters import NODES

ROOT = Path(__file__).parents[1]
GRAPHS = {
    "demo": (graph.demo_graph, graph.DEMO_ARGUMENTS),
    "robot": (graph.robot_graph, graph.ROBOT_ARGUMENTS),
    "edge": (graph.edge_graph, graph.EDGE_ARGUMENTS),
}
LINK = {
    "link_delay_s": "0.02",
    "link_goodput_bps": "1e6",
    "link_gone_from_s": "20",
    "link_gone_for_s": "5",
    "link_seed": "7",
}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_parameter_of_a_graph_is_one_that_its_node_declares_and_accepts(name):
    nodes, _ = GRAPHS[name]
    for spec in nodes({}):
        build(NODES[spec.executable], spec.parameters)
        assert (ROOT / spec.config).is_file()


def test_the_demo_is_the_robots_host_and_the_edges_host():
    names = [spec.name for spec in graph.demo_graph({})]
    assert names == [spec.name for spec in (*graph.robot_graph({}), *graph.edge_graph({}))]
    assert len(set(names)) == len(names)
    assert {spec.executable for spec in graph.demo_graph({})} == {
        "camera",
        "robot",
        "edge",
        "device",
        "controller",
    }


@pytest.mark.parametrize("name", GRAPHS)
def test_every_argument_changes_some_parameter(name):
    nodes, arguments = GRAPHS[name]
    for argument in arguments:
        assert len(argument.description) > 10
        changed = {"true": "false", "": "other"}.get(argument.default, "other")
        other = {argument.name: "1.5" if argument.default[:1].isdigit() else changed}
        if argument in graph.LINK_ARGUMENTS:
            other = {"link_gone_for_s": "2", argument.name: "1"}
        assert nodes(other) != nodes({}), argument.name


def test_robot_and_edge_are_told_the_same_model_and_work():
    given = {"model": "m", "head_flop": "1e9", "tail_flop": "2e9", "robot_board": "a"}
    specs = {spec.name: spec.parameters for spec in graph.demo_graph(given)}
    assert {specs[n]["model.path"] for n in ("robot", "edge", "controller")} == {"m"}
    assert specs["robot"]["workload.head_flop"] == specs["controller"]["workload.head_flop"] == 1e9
    assert specs["edge"]["workload.tail_flop"] == specs["controller"]["workload.tail_flop"] == 2e9
    assert specs["robot_device"]["board.file"] == specs["controller"]["robot.board_file"] == "a"


def test_an_unknown_argument_and_one_that_is_no_number_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"arguments must be among .*, got speed"):
        graph.demo_graph({"speed": "1"})
    with pytest.raises(InvalidInput, match="delay_s must be a number, got 'soon'"):
        graph.demo_graph({"delay_s": "soon"})


def test_without_an_argument_of_the_link_there_is_none_and_any_of_them_starts_it():
    assert [spec.executable for spec in graph.edge_graph({})] == ["edge", "device"]
    assert not any(spec.remappings for spec in graph.edge_graph({}))
    for argument in graph.LINK_ARGUMENTS:
        given = {argument.name: "0"} if "gone_from" not in argument.name else LINK
        assert graph.edge_graph(given)[-1].executable == "impaired_link"


def test_an_impaired_link_stands_before_both_nodes_of_the_edges_host_and_hides_all_they_speak():
    edge, device, link = graph.edge_graph({"edge_id": "attic", **LINK})
    assert link == graph.NodeSpec(
        "impaired_link",
        "attic_link",
        {
            "edge.id": "attic",
            "link.delay_s": 0.02,
            "link.goodput_bps": 1e6,
            "link.gone_from_s": 20.0,
            "link.gone_for_s": 5.0,
            "link.seed": 7,
        },
    )
    build(NODES[link.executable], link.parameters)
    assert edge.remappings == device.remappings
    assert set(edge.remappings) == {
        *(f"/attic/{t}" for t in ("embedding", "robots", "plan", "result", "heartbeat")),
        "/attic_device/state",
    }
    assert edge.remappings["/attic/plan"] == "/behind_link/attic/plan"
    # Who they are does not change: plans name the edge, and its device obeys no other's.
    assert {spec.parameters["edge.id"] for spec in (edge, device)} == {"attic"}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"link_lost": "1.5"}, r"link_lost must be in \[0.0, 1.0\], got 1.5"),
        ({"link_delay_s": "20ms"}, "link_delay_s must be a number, got '20ms'"),
        ({"link_jitter_s": "nan"}, r"link_jitter_s must be in \[0.0, 10.0\], got nan"),
        ({"link_goodput_bps": "-1"}, "link_goodput_bps must be in .*, got -1.0"),
        ({"link_seed": "1.5"}, "link_seed must be a whole number in .*, got 1.5"),
        ({"link_gone_from_s": "3"}, "link_gone_for_s must say for how long .*, got none"),
    ],
)
def test_an_argument_of_the_link_that_breaks_its_rule_is_refused_by_name(wrong, rule):
    with pytest.raises(InvalidInput, match=rule):
        graph.demo_graph(wrong)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_has_its_launch_file(name):
    text = (ROOT / "launch" / f"{name}.launch.py").read_text(encoding="utf-8")
    assert re.search(rf"description\({name}_graph, {name.upper()}_ARGUMENTS\)", text)


@pytest.mark.ros
@pytest.mark.parametrize("name", GRAPHS)
def test_the_launch_file_starts_the_nodes_of_its_graph(name):
    pytest.importorskip("launch_ros", reason="launch_ros is not on PyPI: needs a ROS installation")
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchContext

    path = ROOT / "launch" / f"{name}.launch.py"
    spec = importlib.util.spec_from_file_location("launch_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    entities = module.generate_launch_description().entities
    declared = [e for e in entities if isinstance(e, DeclareLaunchArgument)]
    nodes, arguments = GRAPHS[name]
    assert [a.name for a in declared] == [a.name for a in arguments]
    context = LaunchContext()
    for argument in declared:
        argument.execute(context)
    [start] = [e for e in entities if isinstance(e, OpaqueFunction)]
    actions = start.execute(context)
    assert [a.node_executable for a in actions] == [s.executable for s in nodes({})]


def test_a_transport_is_found_by_name_and_an_unknown_one_names_those_that_ship():
    assert locate.environment("") == {}
    [(name, path)] = locate.environment("wifi_udp").items()
    assert name == "FASTRTPS_DEFAULT_PROFILES_FILE"
    assert Path(path).is_file()
    with pytest.raises(Unavailable, match=r"transport must be .* wifi_udp, got 'carrier_pigeon'"):
        locate.environment("carrier_pigeon")
