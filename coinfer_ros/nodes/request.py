# SPDX-License-Identifier: Apache-2.0
"""One request after another on the robot, each from an image to a complete answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coinfer_ros.adapters.stages import HeadReport
from coinfer_ros.backends import Machine
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.session import Session
from coinfer_ros.core.spent import Spent
from coinfer_ros.msg import Answer
from coinfer_ros.nodes.edges import Edges
from coinfer_ros.nodes.fallback import Fallback
from coinfer_ros.nodes.flight import Asked, Flight, Under
from coinfer_ros.nodes.frames import to_rgb

Outcome = tuple[Answer, HeadReport | None]


@dataclass
class Requests:
    """Runs the requests of one robot.

    :param edges: who may answer.
    :param fallback: what stands in where no edge does.
    :param stopping: true when the node is being deactivated.
    """

    machine: Machine
    session: Session
    edges: Edges
    fallback: Fallback
    stopping: Callable[[], bool]

    def run(self, asked: Asked, under: Under) -> Outcome | None:
        """Return the answer and what was sent, None when the node is being deactivated."""
        flight = Flight(self.session, self.edges, self.fallback, asked, under)
        edge = self.edges.choose(under.plan.edge, time.monotonic())
        trouble = edge.trouble(time.monotonic())
        if trouble:
            self.session.give_up()
            status = Answer.LATE if edge.matches else Answer.REFUSED
            return flight.timed(flight.unanswered(status, trouble, here=True)), None
        before = self.machine.meter.read()
        report = self._head(flight, asked, under)
        if isinstance(report, Answer):
            return flight.timed(report), None
        sent, sent_s = self.machine.meter.read(), time.monotonic()
        flight.send(edge, report)
        asked.at_edge()
        answer = flight.wait(edge, report, self.stopping)
        waited_s, after = time.monotonic() - sent_s, self.machine.meter.read()
        if answer is None:
            return None
        flight.fill(answer, report, edge, waited_s)
        answer.simulated = self.machine.simulated or answer.simulated
        _fill_energy(
            answer,
            head=self.machine.meter.spent(*report.window),
            waited=self.machine.meter.spent(sent, after),
            whole=self.machine.meter.spent(before, after),
        )
        return flight.timed(answer), report

    def stopped(self, asked: Asked, under: Under) -> Outcome:
        """Return the answer to an image while nothing may run."""
        flight = Flight(self.session, self.edges, self.fallback, asked, under)
        self.session.abandon()
        reason = f"stopped: {under.plan.message}"
        return flight.timed(flight.unanswered(Answer.STOPPED, reason)), None

    def _head(self, flight: Flight, asked: Asked, under: Under) -> HeadReport | Answer:
        """Return what the robot's half made of the image, or the answer that says why nothing."""
        try:
            report = under.stage.run(to_rgb(asked.frames), under.plan.wire_bits)
        except Exception as error:  # whatever it is, it fails this image alone
            self.session.abandon()
            known = isinstance(error, CoinferError)
            reason = str(error) if known else f"the head failed: {error!r}"
            return flight.unanswered(Answer.FAILED, reason)
        if self.session.expire(time.monotonic()) is not None:
            reason = f"the head took longer than the {asked.timeout_s:.3g} s of the request"
            return flight.unanswered(Answer.LATE, reason)
        return report


def _fill_energy(answer: Answer, *, head: Spent, waited: Spent, whole: Spent) -> None:
    """Put the phases' joules together; the edge has already filled in its own."""
    for phase, spent in (("head", head), ("transmit", waited)):
        setattr(answer, f"{phase}_j", spent.above_idle_j)
        setattr(answer, f"{phase}_gross_j", spent.gross_j)
        setattr(answer, f"{phase}_error_j", spent.error_j)
    answer.energy_j = whole.above_idle_j + answer.tail_j
    answer.gross_j = whole.gross_j + answer.tail_gross_j
    answer.energy_error_j = whole.error_j + answer.tail_error_j
