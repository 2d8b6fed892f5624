# SPDX-License-Identifier: Apache-2.0
"""The whole graph in one process: it answers, follows its plan, and outlives what goes wrong."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Time
from coinfer_ros.action import Infer
from coinfer_ros.msg import Answer, DeviceState, Embedding, Plan, RobotState, Trace
from coinfer_ros.srv import WhatIf
from rclpy.action import ActionClient
from rclpy.parameter import Parameter

from coinfer_ros import locate
from coinfer_ros.adapters import board_file, models
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.camera import CameraNode
from coinfer_ros.nodes.controller import ControllerNode
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.device import DeviceNode
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.parameters import DEFAULT_MODEL
from coinfer_ros.sim.silicon import Silicon

from .listener import Listener
from .stand_ins import mute_edge

pytestmark = pytest.mark.ros

# At its greatest clock the modelled robot takes 75 ms at 16 bits, 38 at 8: only fewer bits make 60.
HEAD_FLOP, TAIL_FLOP = 100e9, 20e9


class System:
    """The five kinds of node on two simulated boards."""

    def __init__(self, graph, images, state_dir):
        self.graph = graph
        board = {"board__state_dir": str(state_dir)}
        flop = {"workload__head_flop": HEAD_FLOP, "workload__tail_flop": TAIL_FLOP}
        add = graph.add
        self.camera = add(CameraNode, "camera", camera__source=images, camera__rate_hz=20.0)
        self.robot = add(
            RobotNode, "robot", workload__head_flop=HEAD_FLOP, link__timeout_s=0.5, **board
        )
        self.edge = add(EdgeNode, "edge", workload__tail_flop=TAIL_FLOP, **board)
        self.robot_device = add(DeviceNode, "robot_device", **board)
        self.edge_device = add(
            DeviceNode, "edge_device", device__role="edge", board__file="rtx_3090", **board
        )
        self.controller = add(ControllerNode, "controller", **flop)
        self.answers = Listener(self.camera, Answer, "answer", qos.ANSWER)
        self.traces = Listener(self.camera, Trace, "trace", qos.TRACE)
        self.plans = Listener(self.camera, Plan, "plan", qos.PLAN)
        self.states = Listener(self.camera, DeviceState, "robot_device/state", qos.SENSOR)
        for node in list(graph.nodes):
            node.autostart()

    def good_answer(self, condition=lambda _: True):
        """Wait for an OK answer that comes from now on and meets the condition."""
        begun = len(self.answers.messages)

        def found():
            news = self.answers.messages[begun:]
            return next((a for a in news if a.status == Answer.OK and condition(a)), None)

        return self.graph.until(found)

    def set_budget(self, **budgets):
        parameters = [Parameter(f"budget.{name}", value=v) for name, v in budgets.items()]
        assert self.controller.set_parameters_atomically(parameters).successful


@pytest.fixture
def system(graph, images, tmp_path):
    return System(graph, images, tmp_path / "boards")


def test_an_answer_says_what_was_used_and_what_it_took(system):
    answer = system.good_answer(lambda a: a.plan_id > 0 and a.robot_clock_hz > 0.0)
    assert answer.text
    assert answer.source == Answer.SOURCE_EDGE
    assert answer.simulated
    assert answer.weight_bits == 16
    assert answer.robot_clock_hz > 0.0
    assert answer.edge_clock_hz > 0.0
    stages = (answer.head_s, answer.encode_s, answer.transmit_s, answer.decode_s, answer.tail_s)
    assert all(stage > 0.0 for stage in stages)
    assert sum(stages) + answer.queue_s == pytest.approx(answer.total_s, abs=0.05)
    # Energy above idle is eq. (6) and (7) at the clocks that were read back, within its own bound.
    phases_j = answer.head_j + answer.transmit_j + answer.tail_j
    assert answer.energy_j == pytest.approx(phases_j, abs=answer.energy_error_j)
    assert answer.gross_j > answer.energy_j > answer.energy_error_j > 0.0
    for phase in ("head", "transmit", "tail"):
        error_j = getattr(answer, f"{phase}_error_j")
        assert 0.0 < error_j < getattr(answer, f"{phase}_gross_j")


def test_a_tighter_delay_budget_brings_fewer_bits_and_no_frame_is_lost_by_the_switch(system):
    system.good_answer(lambda a: a.weight_bits == 16)
    system.set_budget(delay_s=0.06)
    answer = system.good_answer(lambda a: a.weight_bits < 16)
    trace = system.graph.until(
        lambda: next((t for t in system.traces.messages if t.request_id == answer.request_id), None)
    )
    assert trace.switches >= 1
    # Request ids rise by one: none was given up for the switch.
    ids = [a.request_id for a in system.answers.messages]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_clocks_follow_the_plan_and_are_read_back(system):
    system.good_answer()
    system.set_budget(delay_s=1.0, energy_j=0.2)
    plan = system.graph.until(
        lambda: system.plans.last if system.plans.last.budget_delay_s == 1.0 else None
    )
    state = system.graph.until(
        lambda: next((s for s in system.states.messages if s.clock_hz == plan.robot_clock_hz), None)
    )
    assert state.requested_clock_hz == plan.robot_clock_hz
    assert state.simulated


def test_an_impossible_budget_is_a_status_with_the_way_out_and_answers_go_on(system):
    system.good_answer()
    system.set_budget(delay_s=0.002)
    plan = system.graph.until(
        lambda: system.plans.last if system.plans.last.status == Plan.INFEASIBLE else None
    )
    assert plan.binding == "delay"
    assert plan.nearest_delay_s > 0.002
    assert "0.002 s" in plan.message
    assert system.good_answer(lambda a: a.plan_id >= plan.plan_id).weight_bits == 2


def test_what_if_answers_without_touching_the_plan(system):
    system.good_answer()
    client = system.camera.create_client(WhatIf, "/controller/what_if")
    system.graph.until(client.service_is_ready)

    def ask(delay_s, energy_j):
        future = client.call_async(WhatIf.Request(delay_s=delay_s, energy_j=energy_j))
        return system.graph.until(lambda: future.result() if future.done() else None)

    assert ask(0.06, 6.0).plan.weight_bits < 16
    refused = ask(math.nan, 1.0)
    assert not refused.success
    assert "delay_s must be" in refused.message
    assert {plan.budget_delay_s for plan in system.plans.messages} == {0.35}


def test_without_the_edge_the_last_answer_comes_labelled_stale_and_the_edge_may_come_back(
    system,
):
    system.good_answer()
    begun = len(system.answers.messages)
    system.edge.trigger_deactivate()
    late = system.graph.until(
        lambda: next((a for a in system.answers.messages[begun:] if a.status == Answer.LATE), None)
    )
    before = [a for a in system.answers.messages if a.status == Answer.OK]
    assert (late.text, late.source) == (before[-1].text, Answer.SOURCE_STALE)
    assert late.age_s > 0.0
    assert late.reason
    assert math.isnan(late.tail_s)
    system.edge.trigger_activate()
    assert system.good_answer().source == Answer.SOURCE_EDGE


def test_an_edge_that_listens_and_never_answers_runs_into_the_timeout(graph, images, tmp_path):
    graph.add(CameraNode, "camera", camera__source=images).autostart()
    robot = graph.add(
        RobotNode,
        "robot",
        link__timeout_s=0.5,
        workload__head_flop=1e9,
        board__state_dir=str(tmp_path / "boards"),
    )
    answers = Listener(robot, Answer, "answer", qos.ANSWER)
    robot.autostart()
    alone = graph.until(lambda: answers.last)
    assert (alone.status, alone.reason) == (Answer.LATE, "edge 'edge' has not been heard yet")
    asked = Listener(robot, Embedding, "/edge/embedding", qos.TENSORS)
    mute_edge(robot)
    late = graph.until(lambda: answers.last if "within" in answers.last.reason else None)
    assert late.reason == "no result from edge 'edge' within 0.5 s"
    assert late.total_s >= 0.5
    assert (late.text, late.source) == ("", Answer.SOURCE_NONE)
    # The edge's beats say that it knows of no request: it is sent again, while there is time.
    assert late.sendings >= 2
    ids = [message.request_id for message in asked.messages]
    assert ids.count(late.request_id) == late.sendings


def test_when_the_controller_falls_silent_the_devices_take_their_default_clock_back(system):
    def state_with(condition):
        return system.graph.until(
            lambda: (
                system.states.last if system.states.last and condition(system.states.last) else None
            )
        )

    state_with(lambda state: state.plan_id > 0 and state.clock_hz < state.default_clock_hz)
    system.controller.trigger_deactivate()
    state = state_with(lambda state: state.clock_hz == state.default_clock_hz)
    assert state.plan_id == 0
    assert "the clock is given back" in state.message


def test_a_machine_without_a_meter_answers_at_its_own_pace_and_its_energy_is_unknown(graph, images):
    graph.add(CameraNode, "camera", camera__source=images).autostart()
    graph.add(EdgeNode, "edge", device__backend="none").autostart()
    robot = graph.add(
        RobotNode, "robot", device__backend="none", quant__weight_bits=8, quant__kernel="float32"
    )
    answers = Listener(robot, Answer, "answer", qos.ANSWER)
    robot.autostart()
    answer = graph.until(lambda: answers.last)
    assert answer.status == Answer.OK
    assert not answer.simulated
    assert (answer.weight_bits, answer.backend) == (8, "robot float32, edge float32")
    assert answer.head_s > 0.0
    unknown = (answer.energy_j, answer.gross_j, answer.robot_clock_hz, answer.edge_clock_hz)
    assert all(math.isnan(figure) for figure in unknown)


@pytest.fixture
def edge_alone(graph, tmp_path):
    edge = graph.add(
        EdgeNode, "edge", workload__tail_flop=1e9, board__state_dir=str(tmp_path / "boards")
    )
    edge.autostart()
    return graph, edge


def good_embedding(info, **changes):
    tokens, channels = info.embedding_shape
    fields = {
        "schema": RobotState.SCHEMA,
        "robot_id": "r",
        "request_id": 5,
        "deadline_s": 5.0,
        "model_fingerprint": info.fingerprint,
        "cut": info.cut,
        "wire_bits": 16,
        "shape": [tokens, channels],
        "data": bytes(2 * tokens * channels),
        "weight_bits": 8,
    }
    return Embedding(**(fields | changes))


def test_a_message_that_breaks_a_rule_is_refused_by_name_counted_and_harms_nobody(edge_alone):
    graph, edge = edge_alone
    info = models.describe(locate.model(DEFAULT_MODEL))
    tokens, channels = info.embedding_shape
    results = Listener(edge, Answer, "/edge/result", qos.RESULTS)
    publisher = edge.create_publisher(Embedding, "/edge/embedding", qos.TENSORS)
    graph.until(lambda: publisher.get_subscription_count() == 1)
    infinite = b"\x00\x7c" * (tokens * channels)
    attacks = {
        "model_fingerprint must be": {"model_fingerprint": "0" * 64},
        "cut must be": {"cut": "elsewhere"},
        "shape must be": {"shape": [tokens + 1, channels]},
        "shape must be ": {"shape": [4294967295] * 4},
        "data must be": {"data": b"short"},
        "wire_bits must be": {"wire_bits": 7},
        "scales must be": {"scales": [1.0]},
        "weight_bits must be": {"weight_bits": 0},
        "deadline_s must be": {"deadline_s": math.nan},
        "schema must be 1": {"schema": 2},
        "robot_id must": {"robot_id": ""},
        "robot_id must be at most": {"robot_id": "x" * 100},
        "prompt must be at most": {"prompt": "x" * 2000},
        "data must be finite": {"data": infinite},
    }
    for number, (reason, change) in enumerate(attacks.items(), start=100):
        publisher.publish(good_embedding(info, request_id=number, **change))
        answer = graph.until(
            lambda number=number: next(
                (r for r in results.messages if r.request_id == number), None
            )
        )
        assert answer.status != Answer.OK
        assert answer.reason.startswith(reason.strip()), answer.reason
    publisher.publish(good_embedding(info))
    graph.until(lambda: next((r for r in results.messages if r.request_id == 5), None))
    assert results.last.status == Answer.OK
    counts = edge.diagnose()
    assert counts["refused"] + counts["failed"] == len(attacks)
    assert counts["answered"] == 1


class Asker:
    """A client of the action ``infer``."""

    def __init__(self, system):
        self.graph, self.feedback = system.graph, []
        self.client = ActionClient(system.camera, Infer, "infer")
        self.graph.until(self.client.server_is_ready)

    def ask(self, **goal):
        sent = self.client.send_goal_async(
            Infer.Goal(**goal), feedback_callback=lambda m: self.feedback.append(m.feedback.stage)
        )
        self.graph.until(sent.done)
        return sent.result()

    def result(self, handle):
        future = handle.get_result_async()
        self.graph.until(future.done)
        return future.result()


def picture(level):
    return rgb_to_image(np.full((40, 50, 3), level, np.uint8), stamp=Time(sec=7), frame_id="f")


def test_a_question_about_an_image_is_answered_with_feedback_by_stage(system):
    system.good_answer()
    asker = Asker(system)
    handle = asker.ask(image=picture(200), prompt="")
    assert handle.accepted
    outcome = asker.result(handle)
    assert outcome.status == GoalStatus.STATUS_SUCCEEDED
    assert outcome.result.answer.stamp.sec == 7
    assert outcome.result.answer.text
    assert asker.feedback == ["waiting", "head", "edge"]


def test_a_question_without_an_image_takes_the_cameras_next(system):
    system.good_answer()
    asker = Asker(system)
    outcome = asker.result(asker.ask())
    assert outcome.status == GoalStatus.STATUS_SUCCEEDED
    assert outcome.result.answer.stamp.sec > 7


def test_a_broken_image_aborts_its_question_alone_with_the_reason(system):
    system.good_answer()
    asker = Asker(system)
    broken = picture(0)
    broken.encoding = "yuv9"
    outcome = asker.result(asker.ask(image=broken))
    assert outcome.status == GoalStatus.STATUS_ABORTED
    assert "image.encoding must be one of" in outcome.result.answer.reason
    assert system.good_answer()


def test_a_question_that_waits_for_an_image_can_be_taken_back(system):
    system.good_answer()
    system.camera.trigger_deactivate()
    system.graph.spin(1.0)
    asker = Asker(system)
    handle = asker.ask()
    cancelled = handle.cancel_goal_async()
    system.graph.until(cancelled.done)
    assert asker.result(handle).status == GoalStatus.STATUS_CANCELED


def test_a_question_that_deactivation_cuts_short_still_gets_its_result(system):
    system.good_answer()
    system.camera.trigger_deactivate()
    asker = Asker(system)
    handle = asker.ask()  # waits for an image that will not come
    system.robot.trigger_deactivate()
    outcome = asker.result(handle)
    assert outcome.status == GoalStatus.STATUS_ABORTED
    assert "deactivated" in outcome.result.answer.reason


def test_a_question_without_any_image_is_given_up_in_time(system):
    system.good_answer()
    system.camera.trigger_deactivate()
    system.graph.spin(1.0)
    asker = Asker(system)
    outcome = asker.result(asker.ask())
    assert outcome.status == GoalStatus.STATUS_ABORTED
    assert "no image came within link.timeout_s" in outcome.result.answer.reason


def test_an_image_that_is_all_edge_is_refused_before_it_is_resized(system):
    system.good_answer()
    asker = Asker(system)
    thread = rgb_to_image(np.zeros((1, 40_000, 3), np.uint8), stamp=Time(), frame_id="f")
    outcome = asker.result(asker.ask(image=thread))
    assert "image must have sides of at most 16 to 1" in outcome.result.answer.reason


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"weight_bits": 8, "weight_rate": math.inf},
        {"weight_bits": 8, "weight_rate": 20.0, "total_s": 1.7e308, "robot_clock_hz": 1e9},
        {"weight_bits": 8, "weight_rate": 20.0, "robot_clock_hz": -1e9, "edge_clock_hz": 1e9},
    ],
)
def test_a_broken_trace_is_refused_and_counted_by_the_controller(graph, fields):
    controller = graph.add(ControllerNode, "controller")
    controller.autostart()
    plans = Listener(controller, Plan, "plan", qos.PLAN)
    publisher = controller.create_publisher(Trace, "trace", qos.TRACE)
    graph.until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(Trace(**fields))
    graph.until(lambda: controller.diagnose()["traces_refused"] == 1)
    before = len(plans.messages)
    graph.until(lambda: len(plans.messages) > before)
    assert plans.last.margin_s == pytest.approx(0.02)


def test_a_broken_plan_is_refused_by_the_robot_and_the_device(system):
    good = system.good_answer(lambda a: a.plan_id > 0)
    publisher = system.camera.create_publisher(Plan, "plan", qos.PLAN)
    for fields in (
        {"weight_bits": 9, "wire_bits": 16},
        {"weight_bits": 8, "wire_bits": 16, "predicted_delay_s": math.nan},
        {"weight_bits": 8, "wire_bits": 7, "robot_clock_hz": -1.0, "lease_s": math.inf},
    ):
        publisher.publish(Plan(plan_id=1000, **fields))
    system.graph.spin(0.5)
    assert 1000 not in {a.plan_id for a in system.answers.messages}
    assert 1000 not in {s.plan_id for s in system.states.messages}
    assert system.good_answer(lambda a: a.request_id > good.request_id)


def test_where_the_policy_is_to_stop_nothing_is_asked_and_clocks_are_given_back(system):
    good = system.good_answer()
    policy = Parameter("budget.policy", value="stop")
    assert system.controller.set_parameters([policy])[0].successful
    system.set_budget(delay_s=0.01, energy_j=0.01)
    answer = system.graph.until(
        lambda: next((a for a in system.answers.messages if a.status == Answer.STOPPED), None)
    )
    assert (answer.text, answer.source) == (good.text, Answer.SOURCE_STALE)
    assert answer.reason.startswith("stopped: no setting keeps the budgets")
    state = system.graph.until(
        lambda: (
            system.states.last
            if system.states.last.clock_hz == system.states.last.default_clock_hz
            else None
        )
    )
    assert not state.applied
    system.set_budget(delay_s=0.35, energy_j=6.0)
    system.good_answer(lambda a: a.request_id > answer.request_id)


def test_the_least_energy_at_a_quality_is_planned_when_that_is_the_objective(system):
    best = system.good_answer(lambda a: a.plan_id > 0)
    changes = [
        Parameter("plan.objective", value="energy"),
        Parameter("quant.min_bits", value=4),
    ]
    assert system.controller.set_parameters_atomically(changes).successful
    cheap = system.good_answer(lambda a: a.weight_bits == 4)
    assert cheap.weight_bits < best.weight_bits
    refused = system.controller.set_parameters([Parameter("quant.max_bits", value=3)])[0]
    assert not refused.successful
    assert "quant.min_bits must be at most quant.max_bits, got 4 and 3" in refused.reason


def test_a_slow_plan_stretches_the_timeout_of_its_requests(system):
    system.set_budget(delay_s=3.0, energy_j=0.2)
    slow = system.good_answer(lambda a: a.total_s > 0.5)  # link.timeout_s of the fixture
    assert slow.total_s < 3.0


@pytest.fixture
def device(graph, tmp_path):
    def start():
        node = graph.add(DeviceNode, "robot_device", board__state_dir=str(tmp_path / "boards"))
        node.autostart()
        return node

    return start


def test_a_clock_that_a_killed_device_left_is_put_back_at_the_next_start(graph, device, tmp_path):
    board = board_file.read(locate.board("jetson_agx_orin"))
    left = Silicon(board, tmp_path / "boards" / "robot.board")
    left.request_hz(board.clock_steps_hz[0])
    left.close()
    node = device()
    states = Listener(node, DeviceState, "robot_device/state", qos.SENSOR)
    graph.until(lambda: states.last and states.last.clock_hz == board.default_clock_hz)


def test_a_plan_without_an_id_is_a_lease_like_any_other(graph, device):
    node = device()
    states = Listener(node, DeviceState, "robot_device/state", qos.SENSOR)
    publisher = node.create_publisher(Plan, "plan", qos.PLAN)
    publisher.publish(Plan(robot_clock_hz=2e8, edge_clock_hz=2e8, lease_s=0.5))
    graph.until(lambda: states.last and states.last.clock_hz < 3e8)
    graph.until(lambda: states.last.clock_hz == states.last.default_clock_hz)


def test_a_live_setting_may_change_in_any_state(device):
    node = device()
    node.trigger_deactivate()
    assert node.set_parameters([Parameter("state.rate_hz", value=5.0)])[0].successful
    node.trigger_activate()
    assert node.settings.rate_hz == 5.0


def test_a_plan_without_a_clock_gives_the_clock_back(graph, tmp_path):
    node = graph.add(DeviceNode, "robot_device", board__state_dir=str(tmp_path))
    node.autostart()
    publisher = node.create_publisher(Plan, "plan", qos.PLAN)
    states = Listener(node, DeviceState, "robot_device/state", qos.SENSOR)
    slow_hz = 306e6  # the board's own slowest step is near
    plan = {"plan_id": 1, "lease_s": 30.0, "edge_clock_hz": slow_hz}
    publisher.publish(Plan(robot_clock_hz=slow_hz, **plan))
    graph.until(lambda: states.last and states.last.plan_id == 1)
    publisher.publish(Plan(robot_clock_hz=math.nan, **plan))  # as a profile without clocks makes it
    graph.until(lambda: states.last.clock_hz == states.last.default_clock_hz)
    assert (states.last.plan_id, states.last.applied, states.last.message) == (1, False, "")
