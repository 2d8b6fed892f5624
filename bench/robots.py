# SPDX-License-Identifier: Apache-2.0
"""How many answers a second one edge gives to one, four and eight robots, beside no split."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench import shipped
from bench.light_robot import WIRE_BITS, Prepared
from bench.lines import LineProgram
from bench.options import Options
from bench.section import Section
from bench.stats import spread
from coinfer_ros import locate
from coinfer_ros.adapters.camera import open_camera
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.graph import NodeSpec, Value
from coinfer_ros.tools.processes import Processes

COUNTS = (1, 4, 8)
TOGETHER = (1, 4)  # batch.most
IMAGES = 16
ROBOT = Path(__file__).with_name("light_robot.py")
TURN_S = 1.0
# Until all robots have read their line.
LEAD_S = 0.1


@dataclass
class Served:
    """What robots got over all turns of one kind.

    :param delays_s: of each robot's answers, s.
    :param seconds: of all turns.
    :param lost: requests without an answer.
    """

    delays_s: list[list[float]]
    seconds: float = 0.0
    lost: int = 0

    @property
    def rate(self) -> float:
        """Answers a second, of all robots."""
        return sum(map(len, self.delays_s)) / self.seconds

    def cells(self) -> tuple[str, ...]:
        """Return a row's figures.

        :raises Unavailable: when a robot got no answer.
        """
        counts = [len(each) for each in self.delays_s]
        if not all(counts):
            raise Unavailable(f"every robot must get answers, got {counts} of them")
        p50, p95, _ = spread(list(chain.from_iterable(self.delays_s))).cells(1e3, 1)
        each = f"{self.rate / len(counts):.1f}"
        fairness = f"{min(counts) / max(counts):.2f}"
        return str(len(counts)), f"{self.rate:.1f}", each, fairness, p50, p95, str(self.lost)


def measure(options: Options) -> Section:
    """Let each number of robots ask each edge in turn, and the unsplit model work between."""
    head, tail, images = shipped.head(options), shipped.tail(options), _images(options)
    prepared = Prepared(head.info, np.stack([head.embed(image) for image in images]))
    ways = [(most, count) for most in TOGETHER for count in COUNTS]
    served = {way: Served([[] for _ in range(way[1])]) for way in ways}
    whole, again = Served([[]]), cycle(images)
    rounds = options.rounds(6, 1)
    with _running(options, prepared) as robots:
        for _ in range(rounds):
            _alone(lambda: tail.answer(head.embed(next(again)), ""), whole)
            for (most, _), into in served.items():
                _ask(robots, _edge(most), into)
    rows = [("no split", *whole.cells(), "1.00")]
    for (most, _), into in served.items():
        rows.append((f"edge, batch {most}", *into.cells(), f"{into.rate / whole.rate:.2f}"))
    return Section(
        title="Several robots on one edge",
        columns=(
            "what",
            "robots",
            "answers/s",
            "a robot",
            "fairness",
            "p50, ms",
            "p95, ms",
            "lost",
            "× no split",
        ),
        rows=tuple(rows),
        reading=_reading(len(images), rounds),
    )


def _images(options: Options) -> list[NDArray[np.uint8]]:
    """Return the first images of the source."""
    with contextlib.closing(open_camera(locate.camera(options.source), loop=True)) as camera:
        found = [camera.read() for _ in range(IMAGES)]
    images = [image for image in found if image is not None]
    if not images:
        raise Unavailable(f"--source must hold an image, got {options.source!r} with none")
    return images


@contextlib.contextmanager
def _running(options: Options, prepared: Prepared) -> Iterator[list[LineProgram]]:
    """Start an edge for each way of batching, and the robots, which all hear all edges."""
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="coinfer-bench-")))
        prepared.save(file := folder / "prepared.npz")
        nodes = held.enter_context(Processes(folder))
        names = [_edge(most) for most in TOGETHER]
        nodes.start([_spec(options, most) for most in TOGETHER], {})
        robots = []
        for number in range(max(COUNTS)):
            robots.append(LineProgram(ROBOT, f"robot_{number}", str(file), *names))
            held.callback(robots[-1].close)
        try:
            for robot in robots:
                robot.read()
        except Unavailable as error:
            raise Unavailable(f"{error}; {_last_words(nodes)}") from error
        yield robots


def _last_words(nodes: Processes) -> str:
    """Return the last line of each edge's log."""
    logs = {name: nodes.log(name).read_text(encoding="utf-8") for name in map(_edge, TOGETHER)}
    return "; ".join(
        f"{name}: {(log.splitlines() or ['silent'])[-1]}" for name, log in logs.items()
    )


def _spec(options: Options, most: int) -> NodeSpec:
    parameters: dict[str, Value] = {
        "edge.id": _edge(most),
        "model.path": options.model,
        "device.backend": "none",
        "batch.most": most,
    }
    return NodeSpec("edge", _edge(most), parameters)


def _edge(most: int) -> str:
    return f"edge_{most}"


def _ask(robots: list[LineProgram], edge: str, into: Served) -> None:
    """Have as many robots as ``into`` has ask an edge for one turn."""
    begin_s = time.monotonic() + LEAD_S
    asking = robots[: len(into.delays_s)]
    for robot in asking:
        robot.write(edge, begin_s, begin_s + TURN_S)
    said = [json.loads(robot.read()) for robot in asking]
    for delays_s, one in zip(into.delays_s, said, strict=True):
        delays_s.extend(one["delays_s"])
        into.lost += one["lost"]
    into.seconds += max(one["end_s"] for one in said) - begin_s


def _alone(answer: Callable[[], object], into: Served) -> None:
    """Answer image after image here."""
    begin_s = now_s = time.monotonic()
    while now_s < begin_s + TURN_S:
        answer()
        begun_s, now_s = now_s, time.monotonic()
        into.delays_s[0].append(now_s - begun_s)
    into.seconds += now_s - begin_s


def _reading(images: int, rounds: int) -> str:
    threads = torch.get_num_threads()
    return (
        "The node `edge` with the shipped half, a process with "
        f"{threads} thread{'s' * (threads > 1)} for the model, nothing simulated; one edge for "
        "each `batch.most`, the number of requests that it answers together at most. "
        f"{rounds} turn{'s' * (rounds > 1)} of {TURN_S:g} s of each row, one row after another. "
        f"The robots are processes without a head, so that two cores hold {max(COUNTS)}: they send "
        f"embeddings of {images} images of the clip, made before, at {WIRE_BITS} bits, "
        "as the node `robot` does (its heartbeats, encoding, message and inbox), the next one when "
        "the answer is there. p50 and p95: delay of an answer, from before encoding until it is "
        "there. Fairness: the least share of a robot over the greatest. Lost: requests refused, "
        "failed, or not answered within 2 s, and not sent again. No split: head and tail of the "
        "same model, called one after the other on the same images in this one process; its delay "
        "has the head in it, the robots' has not."
    )
