# SPDX-License-Identifier: Apache-2.0
"""A link that is impaired on purpose: everything crosses it, as late and as seldom as was asked."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.msg import Answer, DeviceState, EdgeState, Embedding, Plan, RobotState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter

from coinfer_ros.graph import edge_graph
from coinfer_ros.link_topics import behind_link, crossing
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.camera import CameraNode
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.impaired_link import GONE, ImpairedLinkNode, crossings
from coinfer_ros.nodes.robot import RobotNode

from .listener import Listener

pytestmark = pytest.mark.ros

DELAY_S = 0.2

EMBEDDING, PLAN, BEAT = "/edge/embedding", "/edge/plan", "/edge/heartbeat"
# Who writes what, with which QoS, on which side.
WRITTEN = {
    EMBEDDING: (Embedding, qos.TENSOR, "robot"),
    "/edge/robots": (RobotState, qos.BEAT, "robot"),
    PLAN: (Plan, qos.PLAN, "robot"),
    "/edge/result": (Answer, qos.RESULT, "edge"),
    BEAT: (EdgeState, qos.BEAT, "edge"),
    "/edge_device/state": (DeviceState, qos.SENSOR, "edge"),
}


class Ends:
    """Both ends of a link: each topic's writer on its own side and a reader on the other."""

    def __init__(self, graph, **link):
        self.graph = graph
        self.node = graph.add(Node, "ends")
        self.node.release = lambda: None
        self.link = graph.add(ImpairedLinkNode, "edge_link", **link)
        assert self.link.autostart()
        self.writers, self.heard = {}, {}
        for topic, (kind, profile, side) in WRITTEN.items():
            here, there = (topic, behind_link(topic))[:: 1 if side == "robot" else -1]
            self.writers[topic] = self.node.create_publisher(kind, here, profile)
            self.heard[topic] = Listener(self.node, kind, there, profile)
            graph.until(self.writers[topic].get_subscription_count)
            graph.until(lambda there=there: self.node.count_publishers(there))
        graph.spin(0.2)  # the link's writers have found the readers too

    def set(self, **link):
        parameters = [Parameter(f"link.{name}", value=value) for name, value in link.items()]
        result = self.link.set_parameters_atomically(parameters)
        assert result.successful, result.reason

    def counts(self, way):
        found = self.link.diagnose()
        return {what: found[f"{way}_{what}"] for what in ("passed", "lost", "cut_off", "held")}


def test_what_is_remapped_is_what_the_link_carries():
    carried = {one.topic for way in crossings("attic").values() for one in way}
    assert carried == set(crossing("attic"))
    assert {one.topic for way in crossings("edge").values() for one in way} == WRITTEN.keys()


def test_every_topic_crosses_to_the_other_side_as_it_was_and_none_comes_back(graph):
    ends = Ends(graph)
    sent = {
        EMBEDDING: Embedding(robot_id="r1", request_id=2**63, data=bytes(range(256)) * 400),
        "/edge/robots": RobotState(robot_id="é", beat=7),
        PLAN: Plan(plan_id=3, weight_bits=4),
        "/edge/result": Answer(text="a red cube", request_id=5),
        BEAT: EdgeState(edge="edge", life=9, held_s=[0.5]),
        "/edge_device/state": DeviceState(clock_hz=1e9),
    }
    for topic, message in sent.items():
        ends.writers[topic].publish(message)
        graph.until(lambda topic=topic: ends.heard[topic].last)
    assert {topic: heard.messages for topic, heard in ends.heard.items()} == {
        topic: [message] for topic, message in sent.items()
    }
    assert ends.counts("to_edge")["passed"] == ends.counts("to_robot")["passed"] == 3
    late = Listener(ends.node, Plan, behind_link(PLAN), qos.PLANS)
    assert graph.until(lambda: late.last) == sent[PLAN]


def test_a_message_takes_the_delay_and_another_delay_holds_from_then_on(graph):
    ends = Ends(graph, link__delay_s=DELAY_S)

    def takes():
        count, begun_s = len(ends.heard[EMBEDDING].messages), time.monotonic()
        ends.writers[EMBEDDING].publish(Embedding())
        graph.until(lambda: len(ends.heard[EMBEDDING].messages) > count)
        return time.monotonic() - begun_s

    assert takes() >= DELAY_S
    ends.set(delay_s=3.0 * DELAY_S)
    assert takes() >= 3.0 * DELAY_S


def test_while_the_link_is_gone_the_newest_plan_waits_and_beats_are_lost_and_it_says_so(graph):
    ends = Ends(graph)
    ends.set(gone=True)
    assert ends.link.diagnose()["warning"] == GONE
    for number in (1, 2):
        ends.writers[PLAN].publish(Plan(plan_id=number))
        graph.until(lambda number=number: ends.link.diagnose()["to_edge_sent"] == number)
    ends.writers[BEAT].publish(EdgeState())
    graph.until(lambda: ends.counts("to_robot")["cut_off"] == 1)
    assert not ends.heard[PLAN].messages
    ends.set(gone=False)
    graph.until(lambda: ends.heard[PLAN].messages)
    graph.spin(0.2)
    assert [plan.plan_id for plan in ends.heard[PLAN].messages] == [2]
    assert not ends.heard[BEAT].messages
    assert ends.link.diagnose()["warning"] == ""


def test_what_is_lost_never_comes_and_is_counted_whatever_the_topics_qos(graph):
    ends = Ends(graph, link__lost=1.0)
    ends.writers[EMBEDDING].publish(Embedding())
    ends.writers[BEAT].publish(EdgeState())
    graph.until(lambda: ends.counts("to_edge")["lost"] == ends.counts("to_robot")["lost"] == 1)
    graph.spin(0.2)
    assert not ends.heard[EMBEDDING].messages
    assert not ends.heard[BEAT].messages


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"link__lost": 1.5}, "link.lost must be in [0.0, 1.0], got 1.5"),
        ({"edge__id": "1st"}, "edge.id and link.edges must be letters"),
        ({"link__delay": 1.0}, "unknown setting 'link.delay'"),
    ],
)
def test_a_link_that_is_none_is_refused(graph, capfd, wrong, reason):
    node = graph.add(ImpairedLinkNode, "edge_link", **wrong)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert reason in capfd.readouterr().err


def test_a_seed_stays_while_it_runs_and_a_wrong_loss_is_refused_while_the_old_one_holds(graph):
    ends = Ends(graph, link__lost=0.25)
    for name, value, reason in (
        ("link.seed", 2, "must stay while the node is configured"),
        ("link.lost", -1.0, "link.lost must be in [0.0, 1.0], got -1.0"),
    ):
        [result] = ends.link.set_parameters([Parameter(name, value=value)])
        assert reason in result.reason
    assert ends.link.settings.lost == 0.25


def test_answers_take_the_link_twice_stop_when_it_is_gone_and_flow_when_it_is_back(graph, images):
    edge, _, link = edge_graph({"link_delay_s": str(DELAY_S)})
    robot = graph.add(RobotNode, "robot", device__backend="none", link__timeout_s=10.0)
    answers = Listener(robot, Answer, "answer", qos.ANSWER)
    remap = [part for names in edge.remappings.items() for part in ("-r", ":=".join(names))]
    hidden = graph.add(
        lambda name, **options: EdgeNode(name, cli_args=["--ros-args", *remap], **options),
        "edge",
        device__backend="none",
    )
    between = graph.add(ImpairedLinkNode, link.name, **link.parameters)
    for node in (graph.add(CameraNode, "camera", camera__source=images), robot, hidden, between):
        assert node.autostart()

    def answer(condition):
        begun = len(answers.messages)
        return graph.until(
            lambda: next((a for a in answers.messages[begun:] if condition(a)), None), timeout_s=60
        )

    assert answer(lambda a: a.status == Answer.OK).transmit_s >= 2.0 * DELAY_S
    between.set_parameters([Parameter("link.gone", value=True)])
    alone = answer(lambda a: a.source == Answer.SOURCE_STALE and "silent" in a.reason)
    assert alone.status == Answer.LATE
    between.set_parameters([Parameter("link.gone", value=False)])
    assert answer(lambda a: a.status == Answer.OK).edge == "edge"
