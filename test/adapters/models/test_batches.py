# SPDX-License-Identifier: Apache-2.0
"""Answers made together are those made one by one, and a stage shares out what they took."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from coinfer_ros.adapters.models import LanguageTail, open_head, open_tail
from coinfer_ros.adapters.models.batches import can_batch, until_end
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.stages import TailReport, TailStage
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.spent import Spent
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import random_scene
from coinfer_ros.sim.silicon import Silicon

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
PROMPT = "w1 w20"
Embeddings = list[NDArray[np.float32]]


def noise(tail: LanguageTail, count: int) -> Embeddings:
    rng = np.random.default_rng(0)
    return list(rng.standard_normal((count, *tail.info.embedding_shape), np.float32))


def ending_often(folder: Path, tmp_path: Path) -> Path:
    """Copy a checkpoint; every fourth word ends an answer there, so that lengths differ."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    file = copy / "generation_config.json"
    ends = {"eos_token_id": list(range(3, 60, 4))}
    file.write_text(json.dumps(json.loads(file.read_text()) | ends))
    return copy


@pytest.fixture(scope="module")
def scenes() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    return [render(random_scene(rng), 64) for _ in range(12)]


@pytest.mark.parametrize("name", ["git-scenes", "blip2-scenes"])
def test_the_shipped_models_say_together_what_they_say_alone(
    scenes: list[NDArray[np.uint8]], name: str
) -> None:
    folder = ROOT / "models" / name
    head, tail = open_head(folder), open_tail(folder)
    assert tail.batches
    shown, lengths = [head.embed(scene) for scene in scenes], set()
    for prompt in ("", "Question: how many objects are there? Answer:"):
        alone = [tail.answer(embedding, prompt) for embedding in shown]
        for size in (2, 5, 12):
            parts = [shown[begin : begin + size] for begin in range(0, len(shown), size)]
            assert [said for part in parts for said in tail.answer_many(part, prompt)] == alone
        lengths |= {said.tokens for said in alone}
    assert len(lengths) > 1


def test_every_family_says_together_what_it_says_alone(each_family: Path, tmp_path: Path) -> None:
    folder = ending_often(each_family, tmp_path)
    for cut in open_model(folder).anatomy.cuts:
        tail = open_tail(folder, cut=cut.name, max_new_tokens=12)
        embeddings = noise(tail, 5)
        alone = [tail.answer(embedding, PROMPT) for embedding in embeddings]
        assert tail.batches, cut.name
        assert tail.answer_many(embeddings, PROMPT) == alone, cut.name


@pytest.mark.parametrize("name", ["git", "blip-2", "idefics3"])
def test_waiting_for_the_longest_answer_is_not_counted(
    family: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    tail = open_tail(ending_often(family(name), tmp_path), max_new_tokens=12)
    said = tail.answer_many(noise(tail, 12), PROMPT)
    assert len({one.tokens for one in said}) > 2


@pytest.mark.parametrize("name", ["git", "blip-2"])
def test_an_end_that_only_the_model_s_own_configuration_names_ends_an_answer(
    family: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(family(name), tmp_path / "copy"))
    (folder / "generation_config.json").unlink()
    settings = json.loads((folder / "config.json").read_text())
    for part in (settings, settings.get("text_config", {})):
        part["eos_token_id"] = list(range(3, 60, 4))
    (folder / "config.json").write_text(json.dumps(settings))
    tail = open_tail(folder, max_new_tokens=12)
    embeddings = noise(tail, 12)
    alone = [tail.answer(embedding, PROMPT) for embedding in embeddings]
    assert len({one.tokens for one in alone}) > 2
    assert tail.answer_many(embeddings, PROMPT) == alone


def test_a_tail_that_does_not_batch_answers_one_after_another(
    family: Callable[[str], Path],
) -> None:
    tail = open_tail(family("git"), max_new_tokens=6)
    embeddings = noise(tail, 3)
    together = tail.answer_many(embeddings, PROMPT)
    runs: list[int] = []
    tail.model.register_forward_pre_hook(
        lambda _, __, given: runs.append(len(given["input_ids"])), with_kwargs=True
    )
    tail.batches = False
    assert tail.answer_many(embeddings, PROMPT) == together
    assert set(runs) == {1}
    tail.batches = True
    tail.answer_many(embeddings, PROMPT)
    assert runs[-1] == 3


def test_nobody_asks_nothing_and_a_bad_one_is_refused(family: Callable[[str], Path]) -> None:
    tail = open_tail(family("git"), max_new_tokens=6)
    assert tail.answer_many([], PROMPT) == []
    one, other = noise(tail, 2)
    before = tail.answer(one, PROMPT)
    with pytest.raises(InvalidInput, match="embedding must be finite float32"):
        tail.answer_many([one, np.full_like(other, np.nan)], PROMPT)
    assert tail.answer_many([one], PROMPT) == [before]


def _likes(embeddings: torch.Tensor) -> torch.Tensor:
    """Logits (N, 2) of a model whose answer is the sign of what it sees."""
    seen = embeddings.sum(dim=(1, 2))
    return torch.stack([seen, -seen], dim=1)


def _one_for_all(embeddings: torch.Tensor) -> torch.Tensor:
    return _likes(embeddings)[:1].repeat(len(embeddings), 1)


def _in_the_wrong_order(embeddings: torch.Tensor) -> torch.Tensor:
    return _likes(embeddings).flip(0)


def _for_one_alone(embeddings: torch.Tensor) -> torch.Tensor:
    (one,) = embeddings
    return _likes(one[None])


def _blind(embeddings: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(embeddings), 2)


def _by_rounding_off(embeddings: torch.Tensor) -> torch.Tensor:
    return _likes(embeddings) * (1.0 + 1e-6 * len(embeddings))


@pytest.mark.parametrize(
    ("logits", "can"),
    [
        (_likes, True),
        (_by_rounding_off, True),
        (_one_for_all, False),
        (_in_the_wrong_order, False),
        (_for_one_alone, False),
        (_blind, False),
    ],
)
def test_whether_a_model_batches_is_seen_by_trying(
    logits: Callable[[torch.Tensor], torch.Tensor], can: bool
) -> None:
    def generate(embeddings: torch.Tensor, how: Any) -> Any:
        steps = [logits(embeddings)] * how.max_new_tokens
        words = torch.stack([step.argmax(dim=1) for step in steps], dim=1)
        return SimpleNamespace(logits=steps, sequences=words)

    how = SimpleNamespace(max_new_tokens=9)
    assert can_batch(generate, how, (3, 4), torch.float32) == can


@pytest.mark.parametrize(
    ("tokens", "ends", "given", "left"),
    [
        ([5, 6, 2, 0, 0], (2,), 0, [5, 6, 2]),
        ([5, 6, 2, 2, 2], (2,), 0, [5, 6, 2]),
        ([5, 3, 2, 0], (2, 3), 0, [5, 3]),
        ([5, 6, 7], (2,), 0, [5, 6, 7]),
        ([5, 6, 7], (), 0, [5, 6, 7]),
        ([2, 6, 2, 0], (2,), 1, [2, 6, 2]),
    ],
)
def test_an_answer_ends_at_its_first_end(
    tokens: list[int], ends: tuple[int, ...], given: int, left: list[int]
) -> None:
    assert until_end(torch.tensor(tokens), ends, given=given).tolist() == left


ANSWER_FLOP = 4e6
BOARD = Board(
    name="test",
    processor=Processor(clock_max_hz=4e6, flop_per_cycle=1.0, pue=1.0, power_coefficient=1e-19),
    clock_steps_hz=(4e6,),
    default_clock_hz=4e6,
    idle_power_w=3.0,
    transition_s=0.5,
    sensor_period_s=0.001,
    energy_resolution_j=1e-6,
)


class Time:
    """A clock that moves only when the silicon waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def silicon(tmp_path: Path) -> Iterator[Silicon]:
    time = Time()
    board = Silicon(BOARD, tmp_path / "board", now=lambda: time.now_s, sleep=time.sleep)
    yield board
    board.close()


def staged(tail: LanguageTail, on: Silicon) -> TailStage:
    return TailStage(tail, accelerator=on, meter=on, clock=on, flop=ANSWER_FLOP)


def reported(outcomes: list[Any]) -> list[TailReport]:
    assert all(isinstance(one, TailReport) for one in outcomes)
    return outcomes


def test_a_batch_takes_the_work_of_its_answers_and_shares_the_joules_evenly(
    family: Callable[[str], Path], silicon: Silicon
) -> None:
    tail = open_tail(family("git"), max_new_tokens=6)
    stage, embeddings = staged(tail, silicon), noise(tail, 3)
    alone = [stage.run(lambda e=e: e, PROMPT) for e in embeddings]
    before = silicon.read()
    together = reported(stage.run_many([lambda e=e: e for e in embeddings], PROMPT))
    after = silicon.read()
    assert [one.generated for one in together] == [one.generated for one in alone]
    assert len({one.tail_s for one in together}) == 1
    # A second of cycles each: that time is the silicon's own, which nothing else moves.
    assert after.busy_s - before.busy_s == pytest.approx(3.0 * ANSWER_FLOP / 4e6)
    whole = silicon.spent(before, after)
    for one in together:
        assert astuple(one.spent) == pytest.approx([joules / 3 for joules in astuple(whole)])
        assert one.spent.gross_j == pytest.approx(alone[0].spent.gross_j, abs=1e-5)
        assert one.clock_hz == 4e6
        assert one.backend == tail.backend


def test_one_that_cannot_be_unpacked_costs_the_others_nothing(
    family: Callable[[str], Path], silicon: Silicon
) -> None:
    tail = open_tail(family("git"), max_new_tokens=6)
    stage, (one, other) = staged(tail, silicon), noise(tail, 2)

    def broken() -> NDArray[np.float32]:
        raise InvalidInput("data must be finite values, got NaN or infinity")

    before = silicon.read()
    first, bad, last = stage.run_many([lambda: one, broken, lambda: other], PROMPT)
    assert isinstance(bad, InvalidInput)
    assert [report.generated for report in reported([first, last])] == [
        tail.answer(one, PROMPT),
        tail.answer(other, PROMPT),
    ]
    spent = silicon.spent(before, silicon.read())
    assert first.spent.gross_j + last.spent.gross_j == pytest.approx(spent.gross_j)
    (alone,) = stage.run_many([broken], PROMPT)
    assert isinstance(alone, InvalidInput)


def test_joules_that_are_not_known_stay_unknown(
    family: Callable[[str], Path], tmp_path: Path
) -> None:
    slow = Board(**{**vars(BOARD), "sensor_period_s": 10.0})
    time = Time()
    silicon = Silicon(slow, tmp_path / "slow", now=lambda: time.now_s, sleep=time.sleep)
    tail = open_tail(family("git"), max_new_tokens=6)
    one, other = noise(tail, 2)
    reports = reported(staged(tail, silicon).run_many([lambda: one, lambda: other], PROMPT))
    silicon.close()
    assert all(isinstance(report.spent, Spent) for report in reports)
    assert all(math.isnan(report.spent.gross_j) for report in reports)
