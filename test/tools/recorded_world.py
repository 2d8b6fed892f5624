# SPDX-License-Identifier: Apache-2.0
"""Bags of controllers that plan in a synthetic world, as the recorder node writes them."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from coinfer_ros import resources
from coinfer_ros.adapters import bag
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.model import FULL_BITS, WEIGHT_BITS
from coinfer_ros.core.planning import Question, Route, Steady, shrunk
from coinfer_ros.core.planning.record import Frame, plan_record
from coinfer_ros.core.wire import WIRE_BITS

from ..core.planning.conftest import World, joint, planner

HYSTERESIS, WEIGHT_RATE, STEP_NS = 0.03, 20.0, 200_000_000


@functools.cache
def package_types():
    return bag.package_types(resources.path("msg"))


class Tape:
    """What is said on topics, one message every millisecond; ``write`` makes a bag of it."""

    def __init__(self):
        self.types = package_types()
        self.said, self.now_ns = [], 10**18

    def message(self, kind, **fields):
        """Return a message; fields that are not given are zero, empty or NaN."""
        return make(self.types, kind, **fields)

    def say(self, topic, message):
        self.now_ns += 10**6
        self.said.append((topic, message, self.now_ns))


def write(path, said, *, types=None, storage=StoragePlugin.MCAP):
    """Write a bag.

    :param said: topic, message and time in ns of each.
    :param types: that the messages are of, this package's when None.
    """
    types, connections = types or package_types(), {}
    with Writer(path, version=9, storage_plugin=storage) as writer:
        for topic, message, at_ns in said:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=types)
            writer.write(connections[topic], at_ns, types.serialize_cdr(message, kind))
    return path


def make(types, kind, **fields):
    """Return a message of a type; fields that are not given are zero, empty or NaN."""
    name = f"coinfer_ros/msg/{kind}"
    every = dict(types.fielddefs[name][1])
    return types.types[name](
        **{f: _as_field(types, fields.get(f, _unset(t)), t) for f, t in every.items()}
    )


def _unset(kind):
    nodetype, of = kind
    if nodetype.name == "BASE":
        return {"string": "", "float64": np.nan}.get(of[0], 0)
    return []


def _as_field(types, value, kind):
    """Return numbers in a sequence as rosbags wants them, as an array; no time is time 0."""
    nodetype, of = kind
    if nodetype.name == "SEQUENCE" and of[0][0].name == "BASE" and of[0][1][0] != "string":
        return np.array(value, np.dtype(of[0][1][0]))
    if kind[1] == "builtin_interfaces/msg/Time":
        return types.types[kind[1]](sec=0, nanosec=0)
    return value


class Controller:
    """Plans and learns as the node does, and says so on a tape.

    :param space: namespace of its topics, such as ``/robot1``.
    """

    def __init__(self, tape, *, robot_id="robot", space="", seed=20260213):
        self.tape, self.robot_id, self.space = tape, robot_id, space
        self.world, self.requests = World(np.random.default_rng(seed)), itertools.count(1)
        self.start()

    def start(self, *, steps=20):
        """Begin a life: nothing is known, and plans are counted from 1.

        :param steps: of either machine's clock.
        """
        self.planner = planner([Route(0, "", joint(steps=steps))], initial_margin_s=0.02)
        self.steady = Steady(dwell_s=1.0, hysteresis=HYSTERESIS)
        self.decided, self.plan, self.questions = None, None, []
        self.numbers = itertools.count(1)
        self._say("costs", self._costs())

    def run(self, answers, *, delay_s, energy_j=np.inf, **asked):
        """Plan, answer and learn a while; return what was measured of each answer."""
        question = Question(Budget(delay_s, energy_j), WEIGHT_BITS, (4, 6, 8, 16), **asked)
        return [self._step(question) for _ in range(answers)]

    def _step(self, question):
        self.tape.now_ns += STEP_NS
        kept = self.steady.kept
        decision = self.steady.choose(
            self.planner.decide(question),
            cautious=self.planner.decide(
                dataclasses.replace(question, budget=shrunk(question.budget, HYSTERESIS))
            ),
            again=kept and self.planner.again(kept),
            question=question,
            switch_s=0.002,
            now_s=1e-9 * self.tape.now_ns,
        )
        if decision is not self.decided:
            self._take(decision, question.budget)
        self._say("plan", self.plan)
        return decision.setting and self._answer(decision.setting)

    def _take(self, decision, budget):
        self.decided = decision
        frame = Frame(
            robot_id=self.robot_id,
            edges=("edge",),
            weight_rate=WEIGHT_RATE,
            percentile=0.95,
            lease_s=0.8,
            budget_delay_s=budget.delay_s,
            budget_energy_j=budget.energy_j,
        )
        margin_s = self.planner.state.learnt.margin_s
        record = plan_record(decision, frame, plan_id=next(self.numbers), margin_s=margin_s)
        self.questions.append(decision.question)
        self.plan = self.tape.message("Plan", **dataclasses.asdict(record))
        self._say("basis", self._basis(decision.question, record))

    def _answer(self, setting):
        measured = self.world.answer(setting)
        self.planner.learn(measured)
        fields = {
            "robot_id": self.robot_id,
            "request_id": next(self.requests),
            "plan_id": self.plan.plan_id,
            "total_s": measured.total_s,
            "energy_j": measured.total_j,
        }
        for name in ("trace", "answer"):
            self._say(name, self.tape.message(name.capitalize(), **fields))
        return measured

    def _say(self, name, message):
        self.tape.say(f"{self.space}/{name}", message)

    def _costs(self):
        (route,) = self.planner.routes
        robot_s, robot_j = route.costs.robot.tables(WEIGHT_BITS)
        edge_s, edge_j = route.costs.edge.tables([FULL_BITS])
        told = self.tape.message(
            "Route",
            edge="edge",
            widths=WEIGHT_BITS,
            robot_clocks_hz=route.costs.robot.clocks_hz,
            robot_delay_s=robot_s.ravel(),
            robot_energy_j=robot_j.ravel(),
            edge_clocks_hz=route.costs.edge.clocks_hz,
            edge_delay_s=edge_s.ravel(),
            edge_energy_j=edge_j.ravel(),
        )
        return self.tape.message("Costs", schema=1, robot_id=self.robot_id, routes=[told])

    def _basis(self, question, record):
        state, learnt = self.planner.state, self.planner.state.learnt
        edge, reach = learnt.edges[0], state.edge_reach[0]
        told = self.tape.message(
            "EdgeBasis",
            edge="edge",
            present=state.present[0],
            delay=self._correction(edge.half.delay),
            energy=self._correction(edge.half.energy),
            **dataclasses.asdict(edge.link),
            goodput_bps=edge.link.goodput_bps,
            queue_s=edge.queue_s,
            reach_low_hz=reach.low_hz,
            reach_high_hz=reach.high_hz,
            others_hz=state.others_hz[0],
        )
        named = ("coding_s", "wire_losses", "other_s", "rest_j", "rest_byte_j")
        return self.tape.message(
            "Basis",
            robot_id=self.robot_id,
            plan_id=record.plan_id,
            budget_delay_s=question.budget.delay_s,
            budget_energy_j=question.budget.energy_j,
            widths=question.widths,
            wire_widths=question.wire_widths,
            objective=record.objective,
            policy=record.policy,
            percentile=record.percentile,
            robot_delay=self._correction(learnt.robot.delay),
            robot_energy=self._correction(learnt.robot.energy),
            robot_reach_low_hz=state.robot_reach.low_hz,
            robot_reach_high_hz=state.robot_reach.high_hz,
            edges=[told],
            coded_widths=WIRE_BITS,
            **{name: getattr(learnt, name) for name in named},
            margin_s=learnt.margin_s,
            margin_j=learnt.margin_j,
            weight_rate=WEIGHT_RATE,
            cuts=[cut.name for cut in state.cuts],
            tokens=[cut.shape[0] for cut in state.cuts],
            channels=[cut.shape[1] for cut in state.cuts],
        )

    def _correction(self, of):
        return self.tape.message("Correction", **dataclasses.asdict(of))
