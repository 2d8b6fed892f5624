# SPDX-License-Identifier: Apache-2.0
"""A simulated room is a camera, a base and a clock, as Gazebo's bridge would give them."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")
pytest.importorskip("nav_msgs", reason="nav_msgs is not here: run make test")

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics

# Before anyone imports MuJoCo, which asks only then what is to draw.
try:
    use_offscreen_graphics()
except Unavailable as why:
    pytest.skip(str(why), allow_module_level=True)

from coinfer_ros.msg import Answer
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from coinfer_ros.nodes import qos
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.odometry import message_to_pose
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.nodes.simulator import SimulatorNode
from coinfer_ros.nodes.world_topics import camera_info
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S
from coinfer_ros.sim.arena.shipped import ONE_ROOM
from coinfer_ros.sim.arena.simulation import CLOCK_HZ
from coinfer_ros.sim.arena.world import World
from coinfer_ros.simulation_graph import simulation_graph
from coinfer_ros.tools.processes import Processes

from .listener import Listener

pytestmark = [pytest.mark.ros, pytest.mark.slow]
CAMERA = ONE_ROOM.robot.camera
NO_EGL = "__EGL_VENDOR_LIBRARY_DIRS"  # of libglvnd: where it finds who draws
TRIAL = "from coinfer_ros.sim.arena.graphics import use_offscreen_graphics as use; print(use())"


def seconds(stamp):
    return stamp.sec + stamp.nanosec * 1e-9


def difference(one, other):
    """Return how far apart two images are, mean of 0 to 255."""
    pixels = [np.frombuffer(image.data, np.uint8).astype(float) for image in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


class Room:
    """A running simulator and what is heard of it."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.node = node = graph.add(SimulatorNode, "simulator", **parameters)
        self.images = Listener(node, Image, "image", qos.SENSOR)
        self.infos = Listener(node, CameraInfo, "camera_info", qos.MOTION)
        self.odometry = Listener(node, Odometry, "odom", qos.MOTION)
        self.clocks = Listener(node, Clock, "/clock", qos.MOTION)
        self.commands = node.create_publisher(Twist, "cmd_vel", qos.MOTION)
        node.autostart()
        assert node.is_active
        graph.until(lambda: self.images.last and self.odometry.last)

    def call(self, kind, name, **fields):
        client = self.node.create_client(kind, f"simulator/{name}")
        self.graph.until(client.service_is_ready)
        future = client.call_async(kind.Request(**fields))
        self.graph.until(future.done, timeout_s=60.0)
        self.node.destroy_client(client)
        assert future.result().success, future.result().message

    def reset(self):
        """Begin anew and return the first image that comes then."""
        self.call(Trigger, "reset")
        for heard in (self.images, self.odometry, self.clocks):
            heard.messages.clear()
        image_s = self.period_s(1)
        return self.graph.until(
            lambda: next((i for i in self.images.messages if seconds(i.header.stamp) == image_s), 0)
        )

    @staticmethod
    def period_s(count):
        """Return when an image is taken: at the first step of physics at which it is due."""
        return math.ceil(count / (CAMERA.rate_hz * TIMESTEP_S)) * TIMESTEP_S

    def drive(self, forward=0.0, turn=0.0):
        command = Twist()
        command.linear.x, command.angular.z = forward, turn
        self.commands.publish(command)

    @property
    def pose(self):
        return message_to_pose(self.odometry.last)

    @property
    def speed(self):
        return self.odometry.last.twist.twist.linear.x

    @property
    def time_s(self):
        return seconds(self.clocks.last.clock)

    def moving(self):
        """Drive forward at 0.3 m/s until the robot rolls steadily, and return where it is then."""
        from_m = self.pose.x_m

        def rolls():
            self.drive(0.3)
            self.graph.spin(0.05)
            return self.pose.x_m > from_m + 0.1 and self.speed == pytest.approx(0.3, abs=0.03)

        self.graph.until(rolls)
        return self.pose


@pytest.fixture
def room(graph):
    return Room(graph)


def test_images_are_stamped_with_the_step_of_physics_at_which_they_are_due(room):
    graph, images = room.graph, room.images
    graph.until(lambda: len(images.messages) >= 4 and len(room.infos.messages) >= 4)
    due = {round(room.period_s(count) * 1e9) for count in range(1, 3000)}
    stamps = [round(seconds(image.header.stamp) * 1e9) for image in images.messages]
    assert set(stamps) <= due
    assert stamps == sorted(set(stamps))
    image = images.last
    assert (image.width, image.height, image.encoding) == (224, 224, "rgb8")
    assert image.header.frame_id == room.infos.last.header.frame_id == "camera"
    assert {seconds(i.header.stamp) for i in room.infos.messages} >= {
        seconds(i.header.stamp) for i in images.messages[1:-1]
    }
    odometry = room.odometry.last
    assert (odometry.header.frame_id, odometry.child_frame_id) == ("odom", "base_footprint")
    # Odometry begins at the start, wherever in the room that is and whatever way it looks.
    assert (room.pose.x_m, room.pose.heading_rad) == pytest.approx((0.0, 0.0), abs=1e-3)


@pytest.mark.parametrize("turn_rad", [0.0, 0.25, -0.25])
def test_the_cameras_matrix_says_where_in_the_image_a_thing_is(turn_rad):
    ball = ONE_ROOM.thing("blue ball")
    with World(ONE_ROOM) as world:
        world.place(Pose(ball.at.x_m - 1.5, ball.at.y_m, turn_rad))
        rows, columns = np.nonzero(world.seen(ball.name))
        # The ball's middle as the camera's optical frame has it: right, down, forward.
        ahead, left = 1.5 * math.cos(turn_rad) - CAMERA.forward_m, -1.5 * math.sin(turn_rad)
        below = CAMERA.height_m - ball.size_m
    down = CAMERA.pitch_rad
    forward = ahead * math.cos(down) + below * math.sin(down)
    lower = below * math.cos(down) - ahead * math.sin(down)
    # A ball's outline is an ellipse, and its middle a little farther out than the ball's.
    middle = np.array([-left, lower, 0.0, 1.0]) * forward / (forward**2 - ball.size_m**2)
    middle[2] = 1.0
    x, y, w = np.reshape(camera_info(CAMERA).p, (3, 4)) @ middle
    # Half a pixel of one side would show; the outline is sampled by pixels, some 70 of them wide.
    assert (columns.mean(), rows.mean()) == pytest.approx((x / w, y / w), abs=0.2)


def test_a_command_moves_the_robot_and_holds_for_its_time_only(room):
    room.reset()
    at_m, command_m_s = room.moving().x_m, 0.3
    last_s = room.time_s
    room.graph.until(lambda: abs(room.speed) < 0.005)
    hold_s = room.node.settings.timeout_s
    assert room.pose.x_m - at_m == pytest.approx(command_m_s * hold_s, abs=command_m_s * 0.25)
    assert room.time_s - last_s < hold_s + 0.5
    assert abs(room.pose.y_m) < 0.01


def test_what_is_no_speed_is_refused_and_the_robot_drives_on_and_what_is_too_much_is_clipped(room):
    room.moving()
    before = room.node.diagnose()
    for forward, turn in ((math.nan, 0.0), (0.0, math.inf), (-math.inf, math.nan)):
        room.drive(forward, turn)
        room.graph.spin(0.05)
    counts = room.graph.until(
        lambda: c if (c := room.node.diagnose())["commands_refused"] == 3 else None
    )
    assert counts["commands"] == before["commands"]
    assert room.speed > 0.25  # the former command holds
    room.drive(-100.0, 100.0)
    room.graph.until(lambda: room.node.diagnose()["commands_clipped"] == 1)


def test_a_reset_brings_time_the_robot_and_the_image_back_bit_by_bit(room):
    first = room.reset()
    room.moving()
    room.drive(0.3, 2.0)
    room.graph.until(lambda: room.time_s > 1.0 and abs(room.pose.heading_rad) > 0.5)
    later = room.images.last
    again = room.reset()
    assert bytes(again.data) == bytes(first.data) != bytes(later.data)
    assert room.time_s < 1.0


def test_a_command_from_before_a_reset_moves_nothing_after_it(room):
    room.call(SetBool, "pause", data=True)
    taken = room.node.diagnose()["commands"]
    room.drive(0.3, 1.0)
    room.graph.until(lambda: room.node.diagnose()["commands"] > taken)
    room.call(Trigger, "reset")
    room.call(SetBool, "pause", data=False)
    room.graph.until(lambda: 0.4 < room.time_s < 0.5)
    assert (room.pose.x_m, room.pose.heading_rad) == pytest.approx((0.0, 0.0), abs=1e-3)


def test_another_seed_is_another_random_room_from_the_next_reset_on(graph):
    room = Room(graph, world__name="random", world__seed=1)
    first = room.reset()
    set_seed = room.node.set_parameters_atomically
    assert set_seed([Parameter("world.seed", value=2)]).successful
    count = len(room.images.messages)
    graph.until(lambda: len(room.images.messages) > count + 1)
    assert difference(room.images.last, first) < 1.0
    other = room.reset()
    assert difference(other, first) > 5.0
    assert set_seed([Parameter("world.seed", value=1)]).successful
    assert bytes(room.reset().data) == bytes(first.data)


def test_a_paused_room_stands_still_and_goes_on_from_there(room):
    room.moving()
    room.call(SetBool, "pause", data=True)
    room.graph.spin(0.2)  # what was under way
    stood_s, images, odometry = room.time_s, room.images.last, room.odometry.last
    room.clocks.messages.clear()
    room.graph.until(lambda: len(room.clocks.messages) > 3)  # whoever comes now learns the time
    assert {seconds(clock.clock) for clock in room.clocks.messages} == {stood_s}
    assert (room.images.last, room.odometry.last) == (images, odometry)
    room.call(SetBool, "pause", data=False)
    room.graph.until(lambda: room.time_s > stood_s + 0.5)
    steps_s = np.diff([seconds(clock.clock) for clock in room.clocks.messages])
    assert steps_s.max() <= 3 / CLOCK_HZ  # no leap; one or two may be lost


def test_a_machine_that_is_too_slow_says_so_and_so_does_a_rate_that_is_not_real_time(room):
    def warned(rate):
        assert room.node.set_parameters_atomically([Parameter("clock.rate", value=rate)]).successful
        return room.graph.until(
            lambda: w if str(rate) in (w := str(room.node.diagnose()["warning"])) else None
        )

    assert "clock.rate is 0.5: delays in real seconds are not those" in warned(0.5)
    # 1500 images a second: none draws so many, here.
    room.node.set_parameters_atomically([Parameter("clock.rate", value=100.0)])
    room.graph.until(lambda: "too slow" in str(room.node.diagnose()["warning"]))


def test_a_room_that_nobody_knows_is_refused_with_those_that_are_there(graph, capfd):
    node = graph.add(SimulatorNode, "simulator", world__name="moon")
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "world.name must be one of one_room, two_rooms, random, got 'moon'" in (
        capfd.readouterr().err
    )


def test_without_anything_to_draw_with_the_node_is_refused_with_the_packages_that_help(tmp_path):
    blind = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    blind[NO_EGL] = str(tmp_path)  # empty: nobody there who draws
    trial = subprocess.run(
        [sys.executable, "-c", TRIAL], env=blind, capture_output=True, text=True, check=False
    )
    if trial.returncode == 0:
        pytest.skip(f"{trial.stdout.strip()} draws here whatever is said")
    program = "from coinfer_ros.nodes.simulator import main; main()"
    node = subprocess.Popen(
        [sys.executable, "-c", program, "--ros-args", "-p", "world.name:=one_room"],
        env=blind,
        cwd=tmp_path,  # the source tree has no messages
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = next(line for line in node.stderr if "refused" in line)
    finally:
        node.terminate()
        node.wait(timeout=30.0)
        node.stderr.close()
    assert re.search(
        r"configure refused: .*EGL \(.*apt install libegl1 .*OSMesa \(.*got egl: ", said
    )


def test_the_robot_answers_about_the_room_in_the_rooms_time(graph):
    answers = []
    own_pace = {"device__backend": "none", "use_sim_time": True}
    robot = graph.add(RobotNode, "robot", quant__kernel="float32", link__timeout_s=10.0, **own_pace)
    robot.create_subscription(Answer, "answer", answers.append, qos.ANSWER)
    for node in (robot, graph.add(EdgeNode, "edge", **own_pace)):
        node.autostart()
    room = Room(graph)

    def good(begun):
        return next((a for a in answers[begun:] if a.status == Answer.OK), None)

    first = graph.until(lambda: good(0))
    assert seconds(first.stamp) < 600.0  # no date of this century
    assert 0.0 <= first.age_s < 60.0
    graph.until(lambda: room.time_s > 1.5)
    room.call(Trigger, "reset")
    begun = len(answers)
    second = graph.until(lambda: good(begun))
    assert seconds(second.stamp) <= room.time_s
    assert second.age_s >= 0.0


def test_the_graph_of_the_launch_file_sees_the_thing_and_drives_to_it(graph, tmp_path):
    watch = Node("watch")
    graph.executor.add_node(watch)
    phases = Listener(watch, String, "seeker/phase", qos.PHASE)
    odometry = Listener(watch, Odometry, "odom", qos.SENSOR)
    boards = {"board.state_dir": str(tmp_path / "boards")}
    with Processes(tmp_path) as nodes:
        nodes.start(simulation_graph({}), dict.fromkeys(("robot", "edge", "device"), boards))

        def goes_to_it():
            assert not nodes.ended()
            assert not nodes.refusals()
            seen = any(phase.data == "approach" for phase in phases.messages)
            return seen and odometry.last.twist.twist.linear.x > 0.1

        graph.until(goes_to_it, timeout_s=180.0)
    graph.executor.remove_node(watch)
    watch.destroy_node()
