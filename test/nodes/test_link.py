# SPDX-License-Identifier: Apache-2.0
"""Robots, edges and what lies between: who is there, who stands in, who shares what."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.action import Infer
from coinfer_ros.msg import (
    Answer,
    Basis,
    Costs,
    DeviceState,
    EdgeState,
    Embedding,
    Plan,
    RobotState,
    Trace,
)
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn

from coinfer_ros import locate
from coinfer_ros.adapters import models
from coinfer_ros.adapters.plan_basis import edge_names, read_question, read_routes, read_state
from coinfer_ros.core.planning import decide
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.camera import CameraNode
from coinfer_ros.nodes.controller import ControllerNode
from coinfer_ros.nodes.device import DeviceNode
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.parameters import DEFAULT_MODEL

from ..adapters.engines.stand_in import StandIn
from .listener import Listener

pytestmark = pytest.mark.ros

INFO = models.describe(locate.model(DEFAULT_MODEL))
OWN_PACE = {"device__backend": "none"}
ROBOT = {**OWN_PACE, "quant__kernel": "float32", "link__timeout_s": 5.0}


class Link:
    """A camera and a robot; edges as a test wants them."""

    def __init__(self, graph, images, **robot):
        self.graph = graph
        graph.add(CameraNode, "camera", camera__source=images).autostart()
        self.robot = graph.add(RobotNode, "robot", **(ROBOT | robot))
        self.answers = Listener(self.robot, Answer, "answer", qos.ANSWER)
        self.traces = Listener(self.robot, Trace, "trace", qos.TRACE)
        self.robot.autostart()

    def edge(self, name="edge", **parameters):
        node = self.graph.add(EdgeNode, name, **(OWN_PACE | {"edge__id": name} | parameters))
        node.autostart()
        return node

    def answer(self, condition):
        """Wait for an answer that comes from now on and meets the condition."""
        begun = len(self.answers.messages)

        def found():
            news = self.answers.messages[begun:]
            return next((a for a in news if condition(a)), None)

        return self.graph.until(found, timeout_s=30.0)

    def good(self, **fields):
        def meets(answer):
            named = all(getattr(answer, name) == value for name, value in fields.items())
            return answer.status == Answer.OK and named

        return self.answer(meets)


def test_where_one_edge_goes_another_answers_and_the_first_is_asked_again_when_it_is_back(
    graph, images
):
    link = Link(graph, images, link__edges="near, far")
    near = link.edge("near")
    link.edge("far")
    link.good(edge="near")
    near.trigger_deactivate()
    link.good(edge="far")
    near.trigger_activate()
    link.good(edge="near")


def test_a_plan_names_the_edge_and_the_cut(graph, images):
    cuts = "visual_projection, block2"
    link = Link(graph, images, link__edges="one,two", split__cut=cuts)
    for name in ("one", "two"):
        link.edge(name, split__cut=cuts)
    link.good(edge="one", cut="visual_projection")
    plans = link.robot.create_publisher(Plan, "plan", qos.PLAN)
    plan = {"weight_bits": 8, "wire_bits": 4, "lease_s": 30.0}
    plans.publish(Plan(plan_id=5, edge="two", cut="block2", **plan))
    answer = link.good(edge="two", cut="block2", weight_bits=8, wire_bits=4)
    assert answer.text
    plans.publish(Plan(plan_id=6, edge="one", cut="elsewhere", **plan))
    graph.spin(0.5)
    assert {a.plan_id for a in link.answers.messages[-3:]} == {5}


def test_a_small_model_on_the_robot_stands_in_while_no_edge_answers(graph, images):
    link = Link(graph, images, fallback__model=DEFAULT_MODEL)
    alone = link.answer(lambda a: a.source == Answer.SOURCE_LOCAL)
    assert (alone.status, alone.backend) == (Answer.LATE, "git-scenes on the robot")
    assert alone.text
    assert alone.tokens > 0
    assert alone.age_s >= 0.0
    assert "has not been heard yet" in alone.reason
    link.edge()
    assert link.good().source == Answer.SOURCE_EDGE


def test_an_edge_of_another_model_is_never_asked_and_every_answer_says_why(graph, images):
    link = Link(graph, images)
    link.edge(model__path="models/blip2-scenes")
    sent = Listener(link.robot, Embedding, "/edge/embedding", qos.TENSORS)
    refused = link.answer(lambda a: a.status == Answer.REFUSED)
    assert f"model_fingerprint must be {INFO.fingerprint[:12]}…, this robot's" in refused.reason
    assert not sent.messages


def test_a_controller_counts_what_it_cannot_use_of_others_and_says_why(graph):
    controller = graph.add(ControllerNode, "controller")
    controller.autostart()
    beats = controller.create_publisher(EdgeState, "/edge/heartbeat", qos.BEAT)
    plans = controller.create_publisher(Plan, "/edge/plan", qos.PLAN)
    graph.until(lambda: beats.get_subscription_count() and plans.get_subscription_count())
    beats.publish(EdgeState(schema=RobotState.SCHEMA + 1, edge="edge"))
    graph.until(lambda: controller.diagnose()["others_refused"] == 1)
    assert "schema must be 1" in controller.diagnose()["last_refusal"]
    plans.publish(Plan(robot_id="other", edge="edge", edge_ask_hz=1e9, lease_s=math.inf))
    graph.until(lambda: controller.diagnose()["others_refused"] == 2)
    assert "lease_s must be" in controller.diagnose()["last_refusal"]
    assert controller._planner.state.others_hz == (0.0,)


def test_an_edge_of_another_version_of_the_messages_is_never_asked(graph, images):
    link = Link(graph, images)
    beats = link.robot.create_publisher(EdgeState, "/edge/heartbeat", qos.BEAT)
    state = EdgeState(schema=RobotState.SCHEMA + 1, edge="edge", life=1, ready=True)
    timer = link.robot.create_timer(0.1, lambda: beats.publish(state))
    refused = link.answer(lambda a: a.status == Answer.REFUSED)
    assert "schema must be 1: the edge runs another version" in refused.reason
    timer.cancel()


def test_beats_measure_the_way_there_and_back_and_the_traces_carry_it(graph, images):
    link = Link(graph, images)
    link.edge()
    link.good()
    trace = graph.until(
        lambda: next((t for t in link.traces.messages if not math.isnan(t.round_trip_s)), None)
    )
    # Of the first few beats; each was answered before the next but some were sent.
    assert 0.0 < trace.round_trip_s < 1.0
    assert 0.0 < trace.round_trip_p95_s < 1.0
    assert (trace.edge, trace.cut) == ("edge", INFO.cut)
    assert trace.embedding_bytes > 0


def test_an_edge_beats_before_it_is_ready_and_says_so(graph):
    edge = graph.add(EdgeNode, "edge", **OWN_PACE)
    states = Listener(edge, EdgeState, "/edge/heartbeat", qos.BEAT)
    robots = edge.create_publisher(RobotState, "/edge/robots", qos.BEAT)
    edge.trigger_configure()
    inactive = graph.until(lambda: states.last)
    assert (inactive.ready, inactive.reason) == (False, "not active")
    assert (inactive.cuts, inactive.model_fingerprint) == ([INFO.cut], INFO.fingerprint)
    assert (inactive.tokens[0], inactive.channels[0]) == INFO.embedding_shape
    edge.trigger_activate()
    robots.publish(RobotState(schema=1, robot_id="r", beat=7))
    ready = graph.until(lambda: states.last if states.last.robots else None)
    assert (ready.ready, ready.robots, list(ready.beats)) == (True, ["r"], [7])
    assert 0.0 <= ready.held_s[0] <= 1.0
    assert ready.life == inactive.life


class Robots:
    """Robots in small: each sends embeddings and keeps its results."""

    def __init__(self, graph, count):
        self.graph = graph
        self.node = graph.add(DeviceNode, "robots", autostart=False)
        self.results = Listener(self.node, Answer, "/edge/result", qos.TENSORS)
        self.names = [f"r{number}" for number in range(count)]
        self.out = self.node.create_publisher(Embedding, "/edge/embedding", qos.TENSORS)
        graph.until(lambda: self.out.get_subscription_count() > 0)

    def ask(self, name, request_id, **changes):
        tokens, channels = INFO.embedding_shape
        fields = {
            "schema": RobotState.SCHEMA,
            "robot_id": name,
            "request_id": request_id,
            "deadline_s": 20.0,
            "model_fingerprint": INFO.fingerprint,
            "cut": INFO.cut,
            "wire_bits": 16,
            "shape": [tokens, channels],
            "data": bytes(2 * tokens * channels),
            "weight_bits": 8,
        }
        self.out.publish(Embedding(**(fields | changes)))

    def result(self, name, request_id):
        return self.graph.until(
            lambda: next(
                (
                    r
                    for r in self.results.messages
                    if (r.robot_id, r.request_id) == (name, request_id)
                ),
                None,
            )
        )


def test_eight_robots_are_answered_and_several_together(graph):
    edge = graph.add(EdgeNode, "edge", batch__most=4, **OWN_PACE)
    edge.autostart()
    robots = Robots(graph, 8)
    for request_id in range(1, 6):
        for name in robots.names:
            robots.ask(name, request_id)
        found = [robots.result(name, request_id) for name in robots.names]
        assert {r.status for r in found} == {Answer.OK}
        assert len({r.text for r in found}) == 1
    counts = edge.diagnose()
    assert counts["answered"] == counts["arrived"] == 40


def test_the_same_request_again_is_answered_once_more_and_not_computed_again(graph):
    edge = graph.add(EdgeNode, "edge", **OWN_PACE)
    edge.autostart()
    robots = Robots(graph, 1)
    robots.ask("r0", 1)
    first = robots.result("r0", 1)
    robots.ask("r0", 1)
    graph.until(lambda: len(robots.results.messages) == 2)
    assert robots.results.last.text == first.text
    assert robots.results.last.tail_s == first.tail_s  # the very same answer
    assert (edge.diagnose()["answered"], edge.diagnose()["duplicates"]) == (1, 1)


def test_one_broken_embedding_costs_its_batch_nothing(graph):
    edge = graph.add(EdgeNode, "edge", batch__most=8, **OWN_PACE)
    edge.autostart()
    robots = Robots(graph, 4)
    tokens, channels = INFO.embedding_shape
    robots.ask("r0", 1, data=b"\x00\x7c" * (tokens * channels))  # infinity
    for name in robots.names[1:]:
        robots.ask(name, 1)
    assert robots.result("r0", 1).reason.startswith("data must be finite")
    assert {robots.result(name, 1).status for name in robots.names[1:]} == {Answer.OK}


@pytest.fixture
def engine():
    tail = models.open_tail(locate.model(DEFAULT_MODEL))
    stand_in = StandIn(INFO, tail.answer)
    yield stand_in
    stand_in.stop()


def test_an_engine_answers_in_the_edges_place(graph, images, engine):
    link = Link(graph, images)
    edge = link.edge(engine__url=engine.url)
    answer = link.good()
    assert answer.text
    assert str(engine.port) in answer.backend
    graph.remove(edge)
    engine.stop()
    down = graph.add(EdgeNode, "other", edge__id="other", engine__url=engine.url, **OWN_PACE)
    assert down.trigger_configure() == TransitionCallbackReturn.FAILURE
    engine.start()


def test_a_question_can_be_taken_back_while_the_edge_thinks(graph, images):
    link = Link(graph, images)
    edge = link.edge()
    link.good()
    edge.destroy_publisher(edge._results)  # it thinks for ever
    edge._results = link.robot.create_publisher(Answer, "nowhere", qos.ANSWER)
    client = ActionClient(link.robot, Infer, "infer")
    graph.until(client.server_is_ready)
    stages = []
    sent = client.send_goal_async(
        Infer.Goal(), feedback_callback=lambda m: stages.append(m.feedback.stage)
    )
    graph.until(sent.done)
    graph.until(lambda: "edge" in stages)
    handle = sent.result()
    handle.cancel_goal_async()
    outcome = handle.get_result_async()
    graph.until(outcome.done)
    assert outcome.result().result.answer.status == Answer.CANCELLED
    assert link.robot._session.counters.cancelled == 1


def test_robots_under_one_edge_hold_its_clock_at_the_fastest_wish(graph, tmp_path):
    device = graph.add(
        DeviceNode,
        "edge_device",
        device__role="edge",
        board__file="rtx_3090",
        board__state_dir=str(tmp_path),
    )
    device.autostart()
    states = Listener(device, DeviceState, "edge_device/state", qos.SENSOR)
    controllers, plans = [], []
    for name, delay_s in (("calm", 1.0), ("hasty", 0.13)):
        controller = graph.add(
            ControllerNode,
            f"controller_{name}",
            robot__id=name,
            budget__delay_s=delay_s,
            budget__energy_j=0.0,
        )
        heard = Listener(controller, Plan, "/edge/plan", qos.PLANS)
        controller.autostart()
        controllers.append(controller)
        plans.append(heard)

    def newest(name):
        return next((p for p in reversed(plans[0].messages) if p.robot_id == name), None)

    graph.until(lambda: newest("hasty") and newest("calm"))

    def shared():
        """The device holds the hasty one's clock; the calm one plans with it and asks for less."""
        state, calm, fast_hz = states.last, newest("calm"), newest("hasty").edge_ask_hz
        held = state and (state.leases, state.robot_id, state.clock_hz) == (2, "hasty", fast_hz)
        return fast_hz if held and calm.edge_ask_hz < fast_hz <= calm.edge_clock_hz else None

    fast_hz = graph.until(shared)
    graph.remove(controllers[1])
    graph.until(lambda: states.last.leases == 1 and states.last.clock_hz < fast_hz)


def test_every_plan_can_be_computed_again_from_its_basis_and_the_costs(graph):
    controller = graph.add(ControllerNode, "controller", link__edges="a,b")
    listen = graph.add(DeviceNode, "listener", autostart=False)
    costs, bases = (
        Listener(listen, kind, topic, qos.PLAN)
        for kind, topic in ((Costs, "costs"), (Basis, "basis"))
    )
    plans = Listener(listen, Plan, "plan", qos.PLAN)
    controller.autostart()
    graph.until(lambda: costs.last and bases.last and plans.last)
    decision = decide(read_routes(costs.last), read_state(bases.last), read_question(bases.last))
    plan = plans.last
    at = decision.setting.point
    assert edge_names(costs.last) == ("a", "b")
    assert (plan.weight_bits, plan.robot_clock_hz, plan.edge_clock_hz) == (
        at.bits,
        at.robot_clock_hz,
        at.edge_clock_hz,
    )
    assert (plan.predicted_delay_s, plan.predicted_energy_j) == (at.delay_s, at.energy_j)
    assert (plan.message, plan.loss) == (decision.solution.message, decision.loss)
