# SPDX-License-Identifier: Apache-2.0
"""What is started with Gazebo, and what the bridge between it and ROS carries."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from coinfer_ros import resources, simulation_graph
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.settings import build
from coinfer_ros.graph import DEMO_ARGUMENTS, LINK_ARGUMENTS, SOURCE, demo_graph
from coinfer_ros.parameters import NODES
from coinfer_ros.simulation_graph import GAZEBO_ARGUMENTS, gazebo, gazebo_graph, seeker_graph

ROOT = Path(__file__).parents[1]
BRIDGE = yaml.safe_load((ROOT / "config/gazebo/bridge.yaml").read_text(encoding="utf-8"))
SHIPPED = sorted((ROOT / "worlds").glob("*/*.sdf"))
DIRECTIONS = {"GZ_TO_ROS", "ROS_TO_GZ"}
# What the parser of ros_gz_bridge reads (bridge_config.cpp, branch jazzy); it ignores the rest.
KEYS = {
    "ros_topic_name",
    "gz_topic_name",
    "ros_type_name",
    "gz_type_name",
    "publisher_queue",
    "subscriber_queue",
    "lazy",
    "direction",
}
# Of the pairs that it can convert (ros_gz_bridge/mappings.py, branch jazzy) those of use here.
CONVERTED = {
    ("sensor_msgs/msg/Image", "gz.msgs.Image"),
    ("sensor_msgs/msg/CameraInfo", "gz.msgs.CameraInfo"),
    ("nav_msgs/msg/Odometry", "gz.msgs.Odometry"),
    ("rosgraph_msgs/msg/Clock", "gz.msgs.Clock"),
    ("geometry_msgs/msg/Twist", "gz.msgs.Twist"),
}


# The nodes


def test_every_node_takes_its_parameters_and_gazebos_time():
    for spec in gazebo_graph({}):
        parameters = dict(spec.parameters)
        assert parameters.pop("use_sim_time") is True
        build(NODES[spec.executable], parameters)
        assert (ROOT / spec.config).is_file()


def test_the_nodes_are_those_of_the_demo_with_a_seeker_for_a_camera():
    given = {"model": "m", "robot_id": "r1", "edge_id": "attic", "edges": "attic", "delay_s": "0.2"}
    theirs = {spec.name: spec for spec in demo_graph(given)}
    mine = {spec.name: spec for spec in gazebo_graph(given)}
    assert theirs.keys() - mine.keys() == {"camera"}
    assert mine.keys() - theirs.keys() == {"seeker"}
    for name in theirs.keys() & mine.keys():
        assert {**theirs[name].parameters, "use_sim_time": True} == mine[name].parameters


def test_every_argument_changes_what_is_started():
    assert {a.name for a in DEMO_ARGUMENTS} - {SOURCE.name} < {a.name for a in GAZEBO_ARGUMENTS}
    for argument in GAZEBO_ARGUMENTS:
        assert len(argument.description) > 10
        changed = {"true": "false", "false": "true", "one_room": "two_rooms"}
        other = changed.get(argument.default, "other")
        given = {argument.name: "1.5" if argument.default[:1].isdigit() else other}
        if argument in LINK_ARGUMENTS:
            given = {"link_gone_for_s": "2", argument.name: "1"}
        assert (gazebo_graph(given), gazebo(given)) != (gazebo_graph({}), gazebo({})), argument.name


def test_the_seeker_searches_from_where_its_world_says_or_it_is_told():
    def lookouts(**given):
        return gazebo_graph(given)[-3].parameters["task.lookouts"]

    assert [spec.name for spec in gazebo_graph({})][-3:] == ["seeker", "edge", "edge_device"]
    assert lookouts(world="two_rooms") == "two_rooms"
    assert lookouts(world="two_rooms", lookouts="0 0, 1 0") == "0 0, 1 0"
    assert lookouts(world="/mine/world.sdf") == ""


def test_the_edge_can_run_on_another_host():
    here = [spec.name for spec in gazebo_graph({"edge": "false"})]
    assert here == [spec.name for spec in seeker_graph({})]
    with pytest.raises(InvalidInput, match="edge must be true or false, got '0'"):
        gazebo_graph({"edge": "0"})


def test_a_robot_of_ones_own_runs_on_the_wall_clock_in_its_namespace():
    specs = seeker_graph({"namespace": "r1", "object": "blue ball"})
    assert {spec.namespace for spec in specs} == {"r1"}
    assert not any("use_sim_time" in spec.parameters for spec in specs)
    assert specs[-1].parameters["task.object"] == "blue ball"


@pytest.mark.parametrize("graph", [gazebo_graph, gazebo, seeker_graph])
def test_an_unknown_argument_is_refused_by_name(graph):
    with pytest.raises(InvalidInput, match=r"arguments must be among .*, got source, speed"):
        graph({"speed": "1", "source": "0"})


# The world


def test_gazebo_is_told_the_world_and_how_it_draws(tmp_path):
    world = resources.path("worlds/one_room/one_room.sdf")
    assert gazebo({}).arguments == f"-r {world}"
    off_screen = gazebo({"headless": "true"}).arguments
    assert off_screen == f"-r -s --headless-rendering {world}"
    own = tmp_path / "my room; rm.sdf"  # a shell reads it
    shutil.copy(world, own)
    assert shlex.split(gazebo({"world": str(own)}).arguments) == ["-r", str(own)]


def test_a_world_that_is_not_there_names_those_that_ship():
    for name in ("garden", "/none/garden.sdf"):
        with pytest.raises(Unavailable, match=rf"world must be .* one_room, two_rooms, .*{name}"):
            gazebo({"world": name})
    with pytest.raises(InvalidInput, match="headless must be true or false, got 'yes'"):
        gazebo({"headless": "yes"})


def world_with(tmp_path, sensors="", includes=""):
    """Write a world and return its path."""
    file = tmp_path / "mine.sdf"
    model = f'<model name="r"><link name="l">{sensors}</link></model>'
    file.write_text(f'<sdf version="1.9"><world name="w">{model}{includes}</world></sdf>')
    return str(file)


def sensor(kind="camera", topic="/model/robot/image"):
    return f'<sensor name="s" type="{kind}"><topic>{topic}</topic></sensor>'


def include(uri):
    return f"<include><uri>{uri}</uri></include>"


@pytest.mark.parametrize(
    "seen",
    [
        sensor(),
        sensor(topic="model/robot/image"),
        sensor("rgbd_camera", "/model/robot"),
        sensor(topic="/rear") + sensor(),
    ],
)
def test_a_world_of_ones_own_with_the_robots_camera_is_taken_without_a_word(tmp_path, seen):
    assert gazebo({"world": world_with(tmp_path, seen)}).warning == ""
    assert gazebo({}).warning == ""


@pytest.mark.parametrize(
    ("seen", "got"),
    [
        ("", "cameras: none"),
        (sensor("gpu_lidar"), "cameras: none"),
        (sensor(topic="/front"), "cameras: /front"),
        ('<sensor name="s" type="camera"/>', "cameras: one without <topic>"),
    ],
)
def test_a_world_without_the_robots_camera_is_refused_with_what_it_has(tmp_path, seen, got):
    world = world_with(tmp_path, seen)
    with pytest.raises(InvalidInput) as refused:
        gazebo({"world": world})
    assert str(refused.value) == (
        "world must have a camera sensor with <topic>/model/robot/image</topic>, which bridge.yaml "
        f"takes to ROS, got {world} with {got}"
    )


def test_a_file_that_is_no_world_is_refused_with_what_is_wrong_with_it(tmp_path):
    (tmp_path / "mine.sdf").write_text("<sdf><world>")
    with pytest.raises(InvalidInput, match=r"world must be SDF, .*mine.sdf: no element found"):
        gazebo({"world": str(tmp_path / "mine.sdf")})


@pytest.mark.parametrize("uri", ["robot", "robot/body.sdf", "file://robot", "model://robot"])
def test_a_camera_may_come_with_a_model_that_is_included(tmp_path, uri):
    (tmp_path / "robot").mkdir()
    (tmp_path / "robot/model.config").write_text("<model><sdf>body.sdf</sdf></model>")
    body = tmp_path / "robot/body.sdf"
    world = world_with(tmp_path, includes=include(uri))
    body.write_text(f'<sdf version="1.9">{include("body.sdf")}</sdf>')  # itself, and no camera
    with pytest.raises(InvalidInput, match="cameras: none"):
        gazebo({"world": world})
    body.write_text(f'<sdf version="1.9"><model name="m">{sensor()}</model></sdf>')
    assert gazebo({"world": world}).warning == ""


def test_models_are_looked_for_where_gazebo_does(tmp_path, monkeypatch):
    models = tmp_path / "models"
    (models / "robot").mkdir(parents=True)
    (models / "robot/model.sdf").write_text(f'<sdf version="1.9">{sensor()}</sdf>')
    world = world_with(tmp_path, includes=include("model://robot"))
    assert "model://robot" in gazebo({"world": world}).warning
    monkeypatch.setenv("GZ_SIM_RESOURCE_PATH", f"/none:{models}")
    assert gazebo({"world": world}).warning == ""


@pytest.mark.parametrize(
    "uri", ["https://fuel.gazebosim.org/1.0/x/models/robot", "model://robot", "robot.urdf", "bad"]
)
def test_what_cannot_be_looked_into_may_bring_the_camera_and_is_named(tmp_path, uri):
    (tmp_path / "robot.urdf").write_text("<robot/>")
    (tmp_path / "bad").write_text("no XML")
    world = world_with(tmp_path, sensor(topic="/front"), include(uri))
    assert gazebo({"world": world}).warning == (
        f"world {world} shows no image unless {uri}, which could not be looked into, has a camera "
        "sensor with <topic>/model/robot/image</topic>, which bridge.yaml takes to ROS; found "
        "cameras: /front"
    )


# The bridge


def test_the_bridge_is_asked_for_what_it_knows():
    assert gazebo({}).bridge.samefile(ROOT / "config/gazebo/bridge.yaml")
    for entry in BRIDGE:
        assert set(entry) <= KEYS
        assert entry["direction"] in DIRECTIONS
        assert (entry["ros_type_name"], entry["gz_type_name"]) in CONVERTED


def test_ros_names_follow_the_namespace_but_for_the_clock():
    names = {entry["ros_topic_name"] for entry in BRIDGE}
    assert names == {"image", "camera_info", "odom", "cmd_vel", "/clock"}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_bridged_is_what_the_shipped_worlds_speak(file):
    world = ET.parse(file).getroot().find("world")  # noqa: S314  our own
    drive = world.find(".//plugin[@name='gz::sim::systems::DiffDrive']")
    [camera] = world.iter("sensor")
    image = camera.find("topic").text
    spoken = {
        image: "GZ_TO_ROS",
        # CameraSensor::AdvertiseInfo of gz-sensors 8: beside the image.
        f"{image.rpartition('/')[0]}/camera_info": "GZ_TO_ROS",
        drive.find("odom_topic").text: "GZ_TO_ROS",
        drive.find("topic").text: "ROS_TO_GZ",
        "/clock": "GZ_TO_ROS",  # gz sim itself
    }
    assert {entry["gz_topic_name"]: entry["direction"] for entry in BRIDGE} == spoken


def test_every_world_that_ships_can_be_launched_by_name():
    assert len(SHIPPED) == 2
    for file in SHIPPED:
        assert gazebo({"world": file.stem}).world.samefile(file)


# The launch file


def launched(**given):
    """Return the actions that the launch file starts, in order."""
    return [
        action for function, context in functions(given) for action in function.execute(context)
    ]


def functions(given):
    """Return what makes the launch file's actions, in order, each with the context for it."""
    pytest.importorskip("launch_ros", reason="launch_ros is not on PyPI: needs a ROS installation")
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchContext

    path = ROOT / "launch" / "gazebo.launch.py"
    spec = importlib.util.spec_from_file_location("launch_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    entities = module.generate_launch_description().entities
    context = LaunchContext()
    context.launch_configurations.update(given)
    declared = [e for e in entities if isinstance(e, DeclareLaunchArgument)]
    assert [a.name for a in declared] == [a.name for a in GAZEBO_ARGUMENTS]
    for argument in declared:
        argument.execute(context)
    return [(entity, context) for entity in entities if isinstance(entity, OpaqueFunction)]


@pytest.mark.ros
def test_the_launch_file_starts_gazebo_the_bridge_and_the_nodes():
    pytest.importorskip("launch_ros", reason="launch_ros is not on PyPI: needs a ROS installation")
    from launch.actions import IncludeLaunchDescription

    *nodes, world, bridge = launched(headless="true", world="two_rooms", namespace="r1")
    assert [n.node_executable for n in nodes] == [s.executable for s in gazebo_graph({})]
    assert isinstance(world, IncludeLaunchDescription)
    arguments = dict(world.launch_arguments)
    given = {"headless": "true", "world": "two_rooms"}
    assert arguments["gz_args"] == gazebo(given).arguments
    assert (bridge.node_package, bridge.node_executable) == ("ros_gz_bridge", "parameter_bridge")


@pytest.mark.ros
def test_the_launch_file_refuses_a_world_without_a_camera_before_it_starts_anything(tmp_path):
    first, context = functions({"world": world_with(tmp_path)})[0]
    with pytest.raises(InvalidInput, match="world must have a camera"):
        first.execute(context)


@pytest.mark.ros
def test_the_launch_file_says_what_is_doubtful_about_a_world(tmp_path):
    world = world_with(tmp_path, includes=include("model://robot"))
    [said] = [a for a in launched(world=world) if type(a).__name__ == "LogInfo"]
    assert gazebo({"world": world}).warning in "".join(part.text for part in said.msg)


def documented():
    """Return the launch file that the document shows."""
    page = (ROOT / "docs" / "simulation-gazebo.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    return block


def test_the_documents_launch_file_renames_what_the_nodes_have():
    renamed = set(re.findall(r'SetRemap\("(\w+)"', documented()))
    assert renamed < {entry["ros_topic_name"] for entry in BRIDGE}
    [names] = re.findall(r"from coinfer_ros.simulation_graph import (.+)", documented())
    assert all(hasattr(simulation_graph, name) for name in names.split(", "))


@pytest.mark.ros
def test_the_documents_launch_file_declares_the_arguments_of_its_graph():
    pytest.importorskip("launch_ros", reason="launch_ros is not on PyPI: needs a ROS installation")
    names = {}
    exec(documented(), names)  # noqa: S102  our own document
    declared = names["generate_launch_description"]().get_launch_arguments()
    assert [a.name for a in declared] == [a.name for a in simulation_graph.SEEKER_ARGUMENTS]
