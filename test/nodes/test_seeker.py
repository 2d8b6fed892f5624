# SPDX-License-Identifier: Apache-2.0
"""The seeker drives by what is answered, and by nothing that is old, odd or of another epoch."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")
pytest.importorskip("nav_msgs", reason="nav_msgs is not here: run make test")

from builtin_interfaces.msg import Time
from coinfer_ros.msg import Answer
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String

from coinfer_ros.nodes import qos
from coinfer_ros.nodes.odometry import message_to_pose, odometry_to_message
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.nodes.seeker import COMMANDS_A_SECOND, SEVERAL, SeekerNode
from coinfer_ros.sim.arena.arena import Pose

from .listener import Listener

pytestmark = pytest.mark.ros
TICK_S = 0.02
BEGIN_S = 50.0


def stamp(seconds):
    return Time(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))


class Search:
    """A seeker in simulated time; its clock, odometry and answers are in the test's hands."""

    def __init__(self, graph, **seeker):
        self.graph, self.time_s = graph, BEGIN_S
        self.hand = hand = Node("hand")
        graph.executor.add_node(hand)
        self.clocks = hand.create_publisher(Clock, "/clock", qos.MOTION)
        self.odometry = hand.create_publisher(Odometry, "odom", qos.MOTION)
        self.answers = hand.create_publisher(Answer, "answer", qos.ANSWER)
        self.commands = Listener(hand, Twist, "cmd_vel", qos.MOTION)
        self.seeker = graph.add(SeekerNode, "seeker", use_sim_time=True, **seeker)
        self.seeker.autostart()
        self.phases = Listener(hand, String, "seeker/phase", qos.PHASE)
        for publisher in (self.clocks, self.odometry, self.answers):
            graph.until(lambda publisher=publisher: publisher.get_subscription_count() > 0)
        self.pass_time(0.2)

    def pass_time(self, seconds, pose=None):
        """Let simulated time pass, with odometry."""
        for _ in range(round(seconds / TICK_S)):
            self.time_s += TICK_S
            self.clocks.publish(Clock(clock=stamp(self.time_s)))
            message = odometry_to_message(pose or Pose(0.0, 0.0), (0.0, 0.0))
            message.header.stamp = stamp(self.time_s)
            self.odometry.publish(message)
            self.graph.spin(0.02)

    def say(self, text, *, image_s=None, **fields):
        """Answer about an image of now; return what is commanded a while later."""
        taken_s = self.time_s if image_s is None else image_s
        fields = {"source": Answer.SOURCE_EDGE, "status": Answer.OK, **fields}
        self.answers.publish(Answer(stamp=stamp(taken_s), text=text, **fields))
        self.graph.spin(0.05)
        self.pass_time(4.0 / COMMANDS_A_SECOND)
        command = self.commands.last
        return command.linear.x, command.angular.z

    def close(self):
        self.graph.executor.remove_node(self.hand)
        self.hand.destroy_node()


@pytest.fixture
def search(graph):
    made = Search(graph)
    yield made
    made.close()


def test_it_turns_to_what_is_beside_goes_to_what_is_ahead_and_stops_before_it(search):
    settings = search.seeker.settings
    assert search.say("not seen")[1] == pytest.approx(settings.search_rad_s)
    assert search.say("left near") == pytest.approx((0.0, settings.steer_rad_s))
    forward, turn = search.say("right far")
    assert forward > 0.0
    assert turn == pytest.approx(-settings.steer_rad_s)
    assert search.say("centre far") == pytest.approx((settings.forward_m_s, 0.0))
    assert search.say("centre near") == (0.0, 0.0)
    assert search.phases.last.data == "confirm"
    for _ in range(settings.confirmations):
        assert search.say("centre near") == (0.0, 0.0)
    assert search.phases.last.data == "found"
    assert search.say("left far") == (0.0, 0.0)  # it has arrived, whatever comes
    assert [phase.data for phase in search.phases.messages][-3:] == ["approach", "confirm", "found"]


def test_without_odometry_or_any_answer_it_does_not_move(graph):
    search = Search(graph)
    assert {(c.linear.x, c.angular.z) for c in search.commands.messages} == {(0.0, 0.0)}
    search.close()


def test_what_is_stale_unreadable_or_no_answer_is_counted_and_not_followed(search):
    ahead = search.say("centre far")
    search.say("left near", source=Answer.SOURCE_STALE, status=Answer.LATE)
    search.say("left near", source=Answer.SOURCE_NONE, status=Answer.CANCELLED)
    assert search.say("a red cube beside a ball") == ahead
    late_s = search.time_s + 0.001
    search.pass_time(search.seeker.settings.stale_s + 0.1)
    # Blind for so long it stands, and words about an image so old do not change that.
    assert search.say("left near", image_s=late_s) == (0.0, 0.0)
    counts = search.seeker.diagnose()
    wanted = {"answers": 3, "unheard": 2, "unread": 1, "stale": 1, "phase": "approach"}
    assert {name: counts[name] for name in wanted} == wanted


def test_a_model_that_was_not_taught_the_question_is_named_as_the_likely_cause(graph):
    graph.add(RobotNode, "robot", autostart=False)
    search = Search(graph)
    graph.until(lambda: search.seeker.diagnose()["warning"] == "")
    for _ in range(SEVERAL):
        search.say("a red cube")
    assert search.seeker.diagnose()["warning"].endswith("was the model taught it?")
    search.say("not seen")
    assert search.seeker.diagnose()["warning"] == ""
    search.close()


def test_a_local_models_words_about_the_image_are_heard_though_no_edge_answered(search):
    said = search.say("left near", source=Answer.SOURCE_LOCAL, status=Answer.LATE)
    assert said == pytest.approx((0.0, search.seeker.settings.steer_rad_s))


def test_when_the_clock_begins_anew_so_does_the_search_and_answers_from_before_are_left_out(search):
    search.say("centre near")
    for _ in range(search.seeker.settings.confirmations):
        search.say("centre near")
    assert search.phases.last.data == "found"
    before_s, search.time_s = search.time_s, 1.0
    search.pass_time(0.2)
    search.graph.until(lambda: search.phases.last.data == "search")
    assert search.say("left near", image_s=before_s) == (0.0, 0.0)
    assert search.say("right near")[1] < 0.0  # and those of now are heard


def test_it_stops_the_robot_when_it_is_deactivated(search):
    assert search.say("centre far")[0] > 0.0
    search.seeker.trigger_deactivate()
    search.graph.until(lambda: search.commands.last.linear.x == 0.0)


def test_the_robot_asks_the_tasks_question_and_again_after_it_has_begun_anew(graph):
    robot = graph.add(RobotNode, "robot", autostart=False)
    search = Search(graph, task__object="blue ball")

    def prompt():
        return robot.get_parameter("model.prompt").value

    assert graph.until(prompt) == "Question: which way to the blue ball? Answer:"
    graph.until(lambda: search.seeker.diagnose()["warning"] == "")
    robot.set_parameters([Parameter("model.prompt", value="")])
    graph.until(prompt)
    search.close()


def test_a_robot_that_is_not_there_is_said(search):
    warning = search.seeker.diagnose()["warning"]
    assert warning == "node 'robot' is not there to take the question"


@pytest.mark.parametrize(
    ("parameter", "value", "reason"),
    [
        ("task__object", "pink elephant", "such as 'red cube', got 'pink elephant'"),
        ("task__lookouts", "the kitchen", "task.lookouts must be empty, an arena"),
        ("robot__node", "no name", "robot.node must be a node's name, got 'no name'"),
        ("drive__forward_m_s", 50.0, "drive.forward_m_s must be in [0.01, 3.0], got 50.0"),
    ],
)
def test_what_it_cannot_do_is_refused_at_configure(graph, capfd, parameter, value, reason):
    seeker = graph.add(SeekerNode, "seeker", **{parameter: value})
    assert seeker.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert reason in capfd.readouterr().err


@pytest.mark.parametrize("heading_rad", [-3.0, -0.4, 0.0, 1.7, 3.1])
def test_a_pose_comes_through_a_message_as_it_was(heading_rad):
    pose = message_to_pose(odometry_to_message(Pose(1.5, -2.5, heading_rad), (0.1, 0.2)))
    assert (pose.x_m, pose.y_m) == (1.5, -2.5)
    assert pose.heading_rad == pytest.approx(heading_rad)


def test_odometry_that_is_none_is_refused_and_counted(search):
    broken = odometry_to_message(Pose(0.0, 0.0), (0.0, 0.0))
    broken.pose.pose.orientation.w = 0.0
    search.odometry.publish(broken)
    search.graph.until(lambda: search.seeker.diagnose()["odometry_refused"] == 1)
