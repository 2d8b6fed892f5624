# SPDX-License-Identifier: Apache-2.0
"""Does what an evaluation needs, one kind of work after the other, and keeps all of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

import coinfer_ros
from coinfer_ros import resources
from coinfer_ros.adapters import models
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS, Sweep, sweeps
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.tools import figures
from coinfer_ros.tools.evaluating import captioning, policy, theory_section, timing, wanted
from coinfer_ros.tools.evaluating.captioning import CAPTIONS, FORM, Shown
from coinfer_ros.tools.evaluating.extent import Extent
from coinfer_ros.tools.evaluating.results import Results, choices
from coinfer_ros.tools.resumable.ledger import Ledger
from coinfer_ros.tools.training.interrupts import stop_requests
from coinfer_ros.tools.training.making import bar

TIMED_MODEL = SCENARIOS[0].model


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    :param out: the folder.
    :param extent: how much is looked at.
    :param seed: of the policy, and of what Figs 2 and 3 draw.
    :param device: what is timed, ``cpu`` or ``cuda``.
    :param meter: what meters it, a backend's name.
    :param workers: processes.
    :param command: what makes the same numbers again.
    """

    out: Path
    extent: Extent
    seed: int
    device: str
    meter: str
    workers: int
    command: str

    @property
    def shown(self) -> Shown:
        """Where the images are."""
        return Shown(self.out, self.extent.samples)

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """Both sweeps of each scenario."""
        return tuple(
            sweep for scenario in SCENARIOS for sweep in sweeps(scenario, self.extent.budgets)
        )

    def check_device(self) -> None:
        """See that what is to be timed is here.

        :raises Unavailable: when it is not.
        """
        import torch  # noqa: PLC0415

        if self.device == "cuda" and not torch.cuda.is_available():
            raise Unavailable("--device cuda needs a CUDA GPU that torch can use, got none")

    def settings(self) -> dict[str, object]:
        """Return all that the results hang on."""
        prints = {
            scenario.model: models.describe(resources.path(f"models/{scenario.model}")).fingerprint
            for scenario in SCENARIOS
        }
        return {
            "version": coinfer_ros.__version__,
            "models": prints,
            "seed": self.seed,
            **json.loads(json.dumps(dataclasses.asdict(self.extent))),
            "device": self.device,
            "meter": self.meter,
        }


def work(asked: Asked) -> Results | None:
    """Do what is missing; None when Ctrl-C came between."""
    with (
        stop_requests() as stopping,
        bar() as shown,
        Ledger(asked.out / CAPTIONS, FORM) as ledger,
    ):
        learned = _learn(asked, shown, stopping)
        chosen = choices(asked.sweeps, learned)
        jobs = wanted.jobs(asked.sweeps, chosen, asked.extent)
        keys = [(model, coding.name) for model, coding in jobs]
        if not (
            all(key in ledger.records for key in keys) and timing.done(asked.out, asked.device)
        ):
            _draw(asked, shown, stopping)
            _caption(asked, jobs, ledger, shown, stopping)
            _time(asked, shown, stopping)
        if not stopping():
            _theory(asked, shown)
        if stopping():
            return None
        captions = {key: ledger.records[key] for key in keys}
    references = {one.model: asked.shown.references(one.model) for one in SCENARIOS}
    scores = {
        model: Scores.of({name: made for (m, name), made in captions.items() if m == model}, texts)
        for model, texts in references.items()
    }
    timed = timing.timed(asked.out, references[TIMED_MODEL])
    return Results(asked.extent, asked.sweeps, chosen, learned, scores, tuple(timed))


def _draw(asked: Asked, shown: Progress, stopping: Callable[[], bool]) -> None:
    names = [scenario.model for scenario in SCENARIOS]
    task = shown.add_task("draw", total=len(names) * (asked.extent.samples + captioning.OTHERS))
    captioning.draw(
        asked.shown,
        names,
        workers=asked.workers,
        stopping=stopping,
        tick=lambda count: shown.advance(task, count),
        lost=shown.console.print,
    )


def _learn(asked: Asked, shown: Progress, stopping: Callable[[], bool]) -> policy.Learned:
    task = shown.add_task("train the policy", total=asked.extent.policy_steps)

    def progress(steps: int) -> None:
        shown.update(task, completed=steps)
        if stopping():  # a training of minutes is kept whole or not at all
            raise KeyboardInterrupt

    found = policy.learned(
        asked.out / policy.FILE,
        asked.sweeps,
        seed=asked.seed,
        steps_most=asked.extent.policy_steps,
        progress=progress,
    )
    shown.update(task, completed=asked.extent.policy_steps)
    return found


def _caption(
    asked: Asked,
    jobs: list[captioning.Job],
    ledger: Ledger[captioning.Key, captioning.Captions],
    shown: Progress,
    stopping: Callable[[], bool],
) -> None:
    done = sum((model, coding.name) in ledger.records for model, coding in jobs)
    task = shown.add_task("caption", total=len(jobs), completed=done)
    captioning.caption(
        asked.shown,
        jobs,
        ledger,
        workers=asked.workers,
        stopping=stopping,
        tick=lambda: shown.advance(task),
        lost=shown.console.print,
    )


def _theory(asked: Asked, shown: Progress) -> None:
    if not theory_section.there(asked.out):
        theory_section.keep(figures.make(set(figures.FIGURES), [], asked.seed, shown), asked.out)


def _time(asked: Asked, shown: Progress, stopping: Callable[[], bool]) -> None:
    if stopping():
        return
    images, _ = asked.shown.images(TIMED_MODEL)
    task = shown.add_task("time this machine", total=timing.settings(asked.device))
    timing.measure(
        asked.out,
        TIMED_MODEL,
        list(images[: asked.extent.timed]),
        device=asked.device,
        meter=asked.meter,
        tick=lambda: shown.advance(task),
        stopping=stopping,
    )
