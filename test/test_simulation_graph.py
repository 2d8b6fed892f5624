# SPDX-License-Identifier: Apache-2.0
"""The graph of a simulated room is data that its launch file, processes and parameters agree on."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.settings import build
from coinfer_ros.graph import LINK_ARGUMENTS
from coinfer_ros.parameters import NODES
from coinfer_ros.sim.task.lookouts import read_lookouts
from coinfer_ros.sim.task.question import question
from coinfer_ros.simulation_graph import SIMULATION_ARGUMENTS, seeker_graph, simulation_graph

ROOT = Path(__file__).parents[1]
LAUNCH = ROOT / "launch" / "simulation.launch.py"


@pytest.mark.parametrize("given", [{}, {"world": "random", "seed": "7"}, {"world": "two_rooms"}])
def test_every_node_takes_its_parameters_and_the_rooms_time(given):
    for spec in simulation_graph(given):
        parameters = dict(spec.parameters)
        assert parameters.pop("use_sim_time") is True
        settings = build(NODES[spec.executable], parameters)
        assert (ROOT / spec.config).is_file()
        if spec.executable == "seeker":
            assert question(settings.thing)
            assert read_lookouts(settings.lookouts)[0] == pytest.approx((0.0, 0.0), abs=1e-12)


def test_it_is_the_graph_of_a_robot_of_ones_own_with_a_room_and_an_edge():
    names = [spec.name for spec in simulation_graph({})]
    on_robot = [spec.name for spec in seeker_graph({})]
    assert names == ["simulator", *on_robot, "edge", "edge_device"]
    assert [spec.name for spec in simulation_graph({"edge": "false"})] == ["simulator", *on_robot]


def test_every_argument_changes_some_parameter():
    for argument in SIMULATION_ARGUMENTS:
        assert len(argument.description) > 10
        changed = {"true": "false", "": "other", "0": "1"}.get(argument.default, "other")
        number = re.fullmatch(r"[\d.e]+", argument.default) and argument.name != "seed"
        other = {argument.name: "1.5" if number else changed}
        if argument in LINK_ARGUMENTS:
            other = {"link_gone_for_s": "2", argument.name: "1"}
        assert simulation_graph(other) != simulation_graph({}), argument.name


def test_a_link_to_the_edge_is_impaired_where_the_edge_runs():
    *others, link = simulation_graph({"link_delay_s": "0.02"})
    assert (link.executable, link.name) == ("impaired_link", "edge_link")
    assert link.parameters == {"edge.id": "edge", "link.delay_s": 0.02, "use_sim_time": True}
    assert [s.name for s in others] == [s.name for s in simulation_graph({})]
    assert {s.name for s in others if s.remappings} == {"edge", "edge_device"}
    with pytest.raises(InvalidInput, match=r"link_delay_s must be given to edge.launch.py .*'1'"):
        simulation_graph({"link_delay_s": "1", "edge": "false"})


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", ""])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InvalidInput, match="seed must be a whole number of at least 0, got"):
        simulation_graph({"seed": seed})


def test_an_argument_of_the_camera_is_none_here():
    with pytest.raises(InvalidInput, match=r"arguments must be among .*, got source"):
        simulation_graph({"source": "0"})


def test_the_launch_file_starts_this_graph():
    text = LAUNCH.read_text(encoding="utf-8")
    assert "description(simulation_graph, SIMULATION_ARGUMENTS)" in text


@pytest.mark.ros
def test_the_launch_file_declares_the_arguments_and_starts_the_nodes():
    pytest.importorskip("launch_ros", reason="launch_ros is not here: it is not on PyPI")
    from launch import LaunchContext

    found = importlib.util.spec_from_file_location("simulation", LAUNCH)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    *declared, start = module.generate_launch_description().entities
    assert [d.name for d in declared] == [a.name for a in SIMULATION_ARGUMENTS]
    context = LaunchContext()
    for declaration in declared:
        declaration.execute(context)
    started = [action.node_executable for action in start.execute(context)]
    assert started == [spec.executable for spec in simulation_graph({})]
