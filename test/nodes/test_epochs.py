# SPDX-License-Identifier: Apache-2.0
"""What a robot node does when a simulated clock stands still, or begins anew."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Time
from coinfer_ros.action import Infer
from coinfer_ros.msg import Answer, Embedding
from rclpy.action import ActionClient
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from coinfer_ros.nodes import qos
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.robot import RobotNode

from .listener import Listener
from .stand_ins import mute_edge

pytestmark = pytest.mark.ros
PIXELS = np.full((64, 64, 3), 128, np.uint8)
SILENCE_S = 0.6
BEGIN_S, ANEW_S = 100.0, 3.0


def stamp(seconds):
    return Time(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))


class Timed:
    """A robot in simulated time, whose clock and camera are in the test's hands."""

    def __init__(self, graph, **robot):
        self.graph = graph
        self.hand = Node("hand")
        graph.executor.add_node(self.hand)
        self.robot = graph.add(
            RobotNode,
            "robot",
            device__backend="none",
            quant__kernel="float32",
            link__silence_s=SILENCE_S,
            use_sim_time=True,
            **{"link__timeout_s": 10.0, **robot},
        )
        self.answers = Listener(self.hand, Answer, "answer", qos.ANSWER)
        self.clocks = self.hand.create_publisher(Clock, "/clock", qos.MOTION)
        self.images = self.hand.create_publisher(Image, "image", qos.SENSOR)
        self.robot.autostart()
        graph.until(lambda: self.clocks.get_subscription_count() > 0)
        graph.until(lambda: self.images.get_subscription_count() > 0)
        self.set_clock(BEGIN_S)

    def edge(self):
        edge = self.graph.add(EdgeNode, "edge", device__backend="none", use_sim_time=True)
        edge.autostart()
        return edge

    @property
    def now_s(self):
        return self.robot.get_clock().now().nanoseconds * 1e-9

    def set_clock(self, seconds):
        def there():
            self.clocks.publish(Clock(clock=stamp(seconds)))
            self.graph.spin(0.02)
            return self.now_s == pytest.approx(seconds)

        self.graph.until(there)

    def show(self, taken_s):
        self.images.publish(rgb_to_image(PIXELS, stamp=stamp(taken_s), frame_id="camera"))

    def answer(self, condition, begun=None):
        """Show images of now until an answer meets the condition; simulated time goes on."""
        begun = len(self.answers.messages) if begun is None else begun

        def found():
            self.set_clock(self.now_s + 0.05)
            self.show(self.now_s)
            self.graph.spin(0.05)
            return next((a for a in self.answers.messages[begun:] if condition(a)), None)

        return self.graph.until(found, timeout_s=30.0)

    def good(self):
        return self.answer(lambda answer: answer.status == Answer.OK)

    def close(self):
        self.graph.executor.remove_node(self.hand)
        self.hand.destroy_node()


@pytest.fixture
def timed(graph):
    made = Timed(graph)
    yield made
    made.close()


def test_after_a_jump_back_answers_are_about_images_of_now_with_ages_of_now(timed):
    timed.edge()
    before = timed.good()
    assert before.stamp.sec >= BEGIN_S
    assert 0.0 <= before.age_s <= timed.now_s - BEGIN_S
    begun = len(timed.answers.messages)
    timed.show(timed.now_s)
    timed.set_clock(ANEW_S)
    timed.show(BEGIN_S)  # under way for long: it comes after the jump
    after = timed.answer(lambda answer: answer.status == Answer.OK, begun)
    assert ANEW_S <= after.stamp.sec < BEGIN_S
    assert 0.0 <= after.age_s <= timed.now_s - ANEW_S
    counts = timed.graph.until(
        lambda: c if (c := timed.robot.diagnose())["frames_of_earlier_epochs"] == 1 else None
    )
    assert counts["epochs"] >= 1
    for answer in timed.answers.messages[begun:]:
        assert not answer.age_s < 0.0
        assert answer.status == Answer.OK or "jumped back" in answer.reason


def test_what_is_in_flight_at_a_jump_back_is_cancelled_with_the_reason_and_the_next_is_asked(timed):
    mute_edge(timed.hand)
    asked = Listener(timed.hand, Embedding, "/edge/embedding", qos.TENSORS)
    timed.graph.until(
        lambda: timed.show(timed.now_s) or timed.graph.spin(0.1) or asked.last, timeout_s=30.0
    )
    in_flight, waiting = asked.last.request_id, timed.robot.diagnose()["frames"] + 1
    timed.show(timed.now_s)
    timed.graph.until(lambda: timed.robot.diagnose()["frames"] >= waiting)
    timed.set_clock(ANEW_S)
    cancelled = timed.graph.until(
        lambda: next((a for a in timed.answers.messages if a.request_id == in_flight), None)
    )
    assert cancelled.status == Answer.CANCELLED
    assert cancelled.reason == f"the clock jumped back by {BEGIN_S - ANEW_S:.3f} s"
    assert (cancelled.text, cancelled.source) == ("", Answer.SOURCE_NONE)
    assert math.isnan(cancelled.age_s)
    assert cancelled.total_s < 10.0  # of its timeout
    assert timed.robot.diagnose()["cancelled"] == 1

    def asked_next():
        timed.show(timed.now_s)
        timed.graph.spin(0.1)
        return next((e for e in asked.messages if e.request_id > in_flight), None)

    # The image that waited went with its epoch.
    assert timed.graph.until(asked_next).stamp.sec == ANEW_S


def test_a_text_from_before_the_jump_stands_in_for_nothing_after_it(timed):
    edge = timed.edge()
    timed.good()
    edge.trigger_deactivate()
    late = timed.answer(lambda answer: answer.status == Answer.LATE)
    assert late.source == Answer.SOURCE_STALE
    assert late.age_s > 0.0
    timed.set_clock(ANEW_S)
    begun = len(timed.answers.messages)
    late = timed.answer(lambda answer: answer.status == Answer.LATE, begun)
    assert (late.text, late.source) == ("", Answer.SOURCE_NONE)
    assert math.isnan(late.age_s)


def test_a_clock_that_stands_still_ends_nothing(timed, capfd):
    timed.edge()
    timed.good()
    answered = len(timed.answers.messages)
    capfd.readouterr()
    timed.graph.spin(3.0 * SILENCE_S)
    # Both hosts' signs of life go on: they are of real time, and so are the edge's patience.
    assert timed.robot.diagnose()["warning"] == "no plan yet"
    # What was under way is answered as ever.
    assert {answer.status for answer in timed.answers.messages[answered:]} <= {Answer.OK}
    assert "ERROR" not in capfd.readouterr().err
    assert timed.good().status == Answer.OK


def test_while_the_clock_stands_still_a_question_without_an_image_is_given_up_all_the_same(graph):
    timed = Timed(graph, link__timeout_s=0.5)
    client = ActionClient(timed.hand, Infer, "infer")
    graph.until(client.server_is_ready)
    sent = client.send_goal_async(Infer.Goal())
    graph.until(sent.done)
    outcome = sent.result().get_result_async()
    graph.until(outcome.done)
    assert outcome.result().status == GoalStatus.STATUS_ABORTED
    assert "no image came within link.timeout_s" in outcome.result().result.answer.reason
    client.destroy()
    timed.close()
