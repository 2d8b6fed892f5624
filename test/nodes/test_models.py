# SPDX-License-Identifier: Apache-2.0
"""The nodes run whatever model is named: a video model on clips, prompts, other cuts and widths."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from builtin_interfaces.msg import Time
from coinfer_ros.msg import Answer, Plan
from sensor_msgs.msg import Image

from coinfer_ros.adapters.kernels import available
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.tools.held_out import EXAMPLES

pytestmark = [pytest.mark.ros, pytest.mark.slow]
SIZE_PX = 96
CLIP_S = 0.6


class Pair:
    """A robot and an edge with one model, at this machine's own pace, and a camera to drive."""

    def __init__(self, graph, model, *, edge=None, kernel="float32", **robot):
        both = {"model__path": model, "device__backend": "none"}
        self.graph = graph
        self.edge = graph.add(EdgeNode, "edge", **both, **(edge or {}))
        self.robot = graph.add(
            RobotNode, "robot", **both, quant__kernel=kernel, link__timeout_s=20.0, **robot
        )
        self.answers = []
        self.edge.autostart()
        self.robot.create_subscription(Answer, "answer", self.answers.append, qos.ANSWER)
        self.robot.autostart()
        self.images = self.edge.create_publisher(Image, "image", qos.SENSOR)
        graph.until(lambda: self.images.get_subscription_count() > 0)

    def show(self, pixels):
        self.images.publish(rgb_to_image(pixels, stamp=Time(), frame_id="camera"))

    def answer(self, pixels):
        """Show an image until it is answered; discovery may lose the first."""
        count = len(self.answers)

        def answered():
            self.show(pixels)
            self.graph.spin(0.2)
            return next((a for a in self.answers[count:] if a.status == Answer.OK), None)

        return self.graph.until(answered, timeout_s=60.0)


def test_a_video_model_sees_how_things_moved(graph):
    pair = Pair(graph, "git-motion", camera__clip_s=CLIP_S)
    for index in range(6):  # a few, for the model is not always right
        example = EXAMPLES["git-motion"](index, SIZE_PX)
        first, *_, last = example.image
        assert (first != last).any() or "nothing moved" in example.captions
        for frame in example.image:
            pair.show(frame)
            graph.spin(CLIP_S / 3)
        graph.spin(1.0)
        said = pair.answers[-1]
        assert said.status == Answer.OK
        if said.text in example.captions and "nothing moved" not in example.captions:
            break
    else:
        pytest.fail("of six clips none was described rightly")
    # The same last image for a while is a clip in which nothing moves.
    end_s = time.monotonic() + 2 * CLIP_S
    while time.monotonic() < end_s:
        pair.show(last)
        graph.spin(0.1)
    assert pair.answer(last).text not in example.captions


def test_a_blip2_answers_what_it_is_asked(graph):
    example = EXAMPLES["blip2-scenes"](1, SIZE_PX)
    prompt, right = example.questions[0]
    pair = Pair(graph, "blip2-scenes", model__prompt=prompt)
    answer = pair.answer(example.image)
    assert answer.text == right
    assert answer.cut == "language_projection"
    assert answer.backend == "robot float32, edge float32"


def test_a_cut_inside_the_encoder_says_the_same(graph):
    example = EXAMPLES["git-scenes"](3, SIZE_PX)
    edge = {"split__cut": "block2"}
    pair = Pair(graph, "git-scenes", edge=edge, split__cut="block2", quant__weight_bits=8)
    answer = pair.answer(example.image)
    assert answer.cut == "block2"
    assert answer.text in example.captions
    assert answer.weight_bits == 8


def test_halves_that_were_cut_in_different_places_do_not_work_together(graph):
    pair = Pair(graph, "git-scenes", split__cut="block2")
    pixels = EXAMPLES["git-scenes"](3, SIZE_PX).image

    def refused():
        pair.show(pixels)
        graph.spin(0.2)
        return next((a for a in pair.answers if a.status == Answer.REFUSED), None)

    reason = graph.until(refused).reason
    assert "cuts must hold 'block2', this robot's, got visual_projection" in reason


@pytest.mark.skipif(
    "int4" not in {kernel.name for kernel in available("cpu")}, reason="no kernel of 4 bits here"
)
def test_a_plan_that_the_kernel_cannot_hold_is_refused_and_no_frame_is_lost(graph):
    pair = Pair(graph, "git-scenes", kernel="int4", quant__weight_bits=4)
    pixels = EXAMPLES["git-scenes"](3, SIZE_PX).image
    assert pair.answer(pixels).backend == "robot int4, edge float32"
    plans = pair.edge.create_publisher(Plan, "plan", qos.PLAN)
    plans.publish(Plan(plan_id=9, weight_bits=16, wire_bits=16, lease_s=30.0))
    graph.spin(0.5)
    first = pair.answers[-1].request_id
    last = [pair.answer(pixels).request_id for _ in range(3)][-1]
    since = [answer for answer in pair.answers if first < answer.request_id <= last]
    assert len(since) == last - first
    assert {(answer.status, answer.weight_bits) for answer in since} == {(Answer.OK, 4)}
