# SPDX-License-Identifier: Apache-2.0
"""What stands in for an answer that did not come: the last good text, or a small model's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coinfer_ros import locate
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.ports import Accelerator
from coinfer_ros.msg import Answer
from coinfer_ros.nodes.epochs import seconds
from coinfer_ros.nodes.frames import AnyImage, to_rgb
from coinfer_ros.parameters import RobotSettings

if TYPE_CHECKING:
    from coinfer_ros.adapters.local_answer import LocalAnswer


class Fallback:
    """The declared stand-in, labelled as such in every answer.

    :param local: answers on the robot while no edge does; None: the last text stands in.
    :param accelerator: where it runs.
    """

    def __init__(self, local: LocalAnswer | None, accelerator: Accelerator) -> None:
        self._local, self._accelerator = local, accelerator
        self._text, self._taken_s = "", math.nan  # and when its image was taken

    def remember(self, answer: Answer) -> None:
        """Keep a good text for images that get none."""
        self._text, self._taken_s = answer.text, seconds(answer.stamp)

    def forget(self) -> None:
        """Keep no text: the world that it was of is no more."""
        self._text, self._taken_s = "", math.nan

    def stand_in(self, answer: Answer) -> None:
        """Put the last good text into an answer, if there is one."""
        if self._text:
            answer.text, answer.source = self._text, Answer.SOURCE_STALE

    def answer_here(self, answer: Answer, frames: Sequence[AnyImage], prompt: str) -> None:
        """Put the small model's text into an answer; the last good one where there is no model."""
        if self._local is None:
            self.stand_in(answer)
            return
        try:
            pixels = to_rgb(frames[-self._local.frames :])
            found = self._local.answer(pixels, prompt, self._accelerator)
        except CoinferError as error:
            answer.reason = f"{answer.reason}; the fallback failed: {error}"
            self.stand_in(answer)
            return
        answer.text, answer.tokens = found.text, found.tokens
        answer.source, answer.backend = Answer.SOURCE_LOCAL, self._local.backend

    def age_s(self, answer: Answer, now_s: float) -> float:
        """Return the age of the image behind an answer's text at ROS time ``now_s``, s.

        :returns: NaN where there is no text, and for an image that is not taken yet by this clock.
        """
        taken_s = self._taken_s if answer.source == Answer.SOURCE_STALE else seconds(answer.stamp)
        known = bool(answer.text) and taken_s <= now_s
        return now_s - taken_s if known else math.nan


def open_local(settings: RobotSettings) -> LocalAnswer | None:
    """Return the model that answers while no edge does, None: the last answer stands in.

    :raises CoinferError: when its checkpoint cannot be used.
    """
    if not settings.fallback_model:
        return None
    from coinfer_ros.adapters.local_answer import LocalAnswer  # noqa: PLC0415  torch, for seconds

    return LocalAnswer(
        locate.model(settings.fallback_model),
        device=settings.device,
        flop=settings.fallback_flop,
    )
