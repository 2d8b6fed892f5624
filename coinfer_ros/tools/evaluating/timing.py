# SPDX-License-Identifier: Apache-2.0
"""Times whole answers of this machine at every width, and keeps what it measured."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coinfer_ros import backends, locate, resources
from coinfer_ros.adapters import board_file
from coinfer_ros.core import wire
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.evaluation import intervals
from coinfer_ros.evaluation.captions import cider_each
from coinfer_ros.evaluation.comparison.wall_time import Timed
from coinfer_ros.tools.calibration.bench import Bench

FILE = "wall-time.json"
WIRE = 16
WARM_UPS = 3  # the first runs take longer
# Where others use this machine's cores, threads wait for one another a hundred times as long: what
# is slow is timed less often rather than all night.
MOST_S, LEAST_RUNS = 15.0, 5
_NO_BOARD = "paper_robot"  # only a simulated machine is one


def profiles(device: str) -> tuple[int, ...]:
    """Return the numbers of CPU threads that this machine is tried at."""
    most = len(os.sched_getaffinity(0))
    return (most,) if device == "cuda" else tuple(sorted({1, most}))


def settings(device: str) -> int:
    """Return how many settings of this machine are timed."""
    return len(profiles(device)) * len(WEIGHT_BITS)


def done(folder: Path, device: str) -> bool:
    """Say whether all settings were timed."""
    return len(_read(folder / FILE)) == settings(device)


def measure(
    folder: Path,
    model: str,
    images: Sequence[Any],
    *,
    device: str,
    meter: str,
    tick: Callable[[], None],
    stopping: Callable[[], bool],
) -> None:
    """Measure what the folder has not and keep it there, until it is stopped.

    :param folder: where it is kept.
    :param model: name of a shipped model.
    :param images: what it is shown, one an answer.
    :param device: ``cpu`` or ``cuda``.
    :param meter: a backend that has a meter, or ``none``.
    :param tick: called after each setting.
    :raises Unavailable: when the device or the meter is not here.
    """
    import torch  # noqa: PLC0415  takes seconds

    path, before = folder / FILE, torch.get_num_threads()
    found = _read(path)
    with _bench(meter) as bench:
        for threads in profiles(device):
            torch.set_num_threads(threads)
            answer = _Answer(model, device)
            for bits in WEIGHT_BITS:
                if stopping():
                    return
                profile = _named(device, threads)
                if not any((one["profile"], one["bits"]) == (profile, bits) for one in found):
                    found.append({"profile": profile, **answer.at(bits, images, bench)})
                    path.write_text(json.dumps(found), encoding="utf-8")
                tick()
    torch.set_num_threads(before)


def timed(folder: Path, references: Sequence[Sequence[str]]) -> list[Timed]:
    """Return what was measured, with its captions scored."""
    return [
        Timed(
            one["profile"],
            one["bits"],
            one["kernel"],
            tuple(one["seconds"]),
            one["answer_j"],
            intervals.mean(
                cider_each(one["captions"], references[: len(one["captions"])]).tolist()
            ),
        )
        for one in _read(folder / FILE)
    ]


class _Answer:
    """Both served halves of a model on this machine."""

    def __init__(self, model: str, device: str) -> None:
        from coinfer_ros.adapters import models  # noqa: PLC0415

        folder = resources.path(f"models/{model}")
        self._head = models.open_head(folder, device=device)
        self._tail = models.open_tail(folder, device=device)

    def at(self, bits: int, images: Sequence[Any], bench: Bench) -> dict[str, Any]:
        """Time one answer an image at a width."""
        weights = self._head.prepare(bits)
        self._head.use(weights)
        paces_s = [self._pace_s(image, bench) for image in images[:WARM_UPS]]
        count = min(len(images), max(LEAST_RUNS, int(MOST_S / paces_s[-1])))
        bench.learn_idle()
        taken = bench.runs(
            lambda number: self._say(images[number % len(images)]),
            flop=0.0,
            count=count,
            first=0,
            tick=lambda: None,
        )
        runs = len(taken["seconds"])
        return {
            "bits": bits,
            "kernel": weights.backend,
            "seconds": taken["seconds"],
            "answer_j": None if taken["joules"] is None else taken["joules"] / runs,
            "captions": taken["results"][: len(images)],
        }

    def _pace_s(self, image: Any, bench: Bench) -> float:
        begun_s = bench.now()
        self._say(image)
        return bench.now() - begun_s

    def _say(self, image: Any) -> str:
        embedding = wire.decode(wire.encode(self._head.embed(image), WIRE))
        return self._tail.answer(embedding, "").text


def _named(device: str, threads: int) -> str:
    if device == "cuda":
        return "GPU at its own clocks"
    return f"{threads} thread{'s' * (threads > 1)}"


@contextmanager
def _bench(meter: str) -> Iterator[Bench]:
    """Open this machine to be read, never set."""
    board = board_file.read(locate.board(_NO_BOARD))
    with tempfile.TemporaryDirectory() as state_dir:
        machine = backends.machine(backends.Asked(meter, state_dir=state_dir), board, role="robot")
        try:
            yield Bench(machine)
        finally:
            machine.close()


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
