# SPDX-License-Identifier: Apache-2.0
"""The action ``infer``: one question about one image, beside the camera's stream."""

from __future__ import annotations

import threading
import time
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node
from sensor_msgs.msg import Image

from coinfer_ros.action import Infer
from coinfer_ros.msg import Answer


class Question:
    """One goal of the action; its result is given by the robot's worker thread."""

    def __init__(self, goal: Any) -> None:
        self._goal, self._begun_s = goal, time.monotonic()

    @property
    def image(self) -> Image | None:
        """The image asked about, None for the camera's next one."""
        image: Image = self._goal.request.image
        return image if image.height and image.width else None

    @property
    def prompt(self) -> str:
        """The text that the answer continues."""
        return str(self._goal.request.prompt)

    @property
    def waited_s(self) -> float:
        """Seconds since it was asked."""
        return time.monotonic() - self._begun_s

    @property
    def cancelled(self) -> bool:
        """True once the asker has taken it back."""
        return bool(self._goal.is_cancel_requested)

    def stage(self, name: str) -> None:
        """Tell the asker how far it is."""
        self._goal.publish_feedback(Infer.Feedback(stage=name, elapsed_s=self.waited_s))

    def finish(self, answer: Answer) -> None:
        """Give the result: cancelled when that was asked, aborted when the answer is not OK."""

        def conclude(goal: Any) -> Infer.Result:
            if goal.is_cancel_requested:
                goal.canceled()
            elif answer.status == Answer.OK:
                goal.succeed()
            else:
                goal.abort()
            return Infer.Result(answer=answer)

        # A coroutine that waits for the worker would spin Jazzy's executor meanwhile; so the goal
        # executes only now, when there is nothing left to wait for.
        self._goal.execute(conclude)


class Questions:
    """Accepts one question at a time and keeps it until the worker has answered it.

    It lives as long as the node is configured, so that a question that deactivation cuts short
    still gets its result.
    """

    def __init__(self, node: Node) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._question: Question | None = None
        self._server = ActionServer(
            node,
            Infer,
            "infer",
            execute_callback=lambda _: Infer.Result(),  # unused: see Question.finish
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def open(self) -> None:
        """Accept questions from now on."""
        self._open = True

    def current(self) -> Question | None:
        """Return the question that waits for its answer."""
        with self._lock:
            return self._question

    def finish(self, answer: Answer) -> None:
        """Answer the current question, if there is one, and make room for the next."""
        with self._lock:
            question, self._question = self._question, None
        if question is not None:
            question.finish(answer)

    def shut(self, reason: str) -> None:
        """Accept no more and give up the current question."""
        self._open = False
        self.finish(Answer(status=Answer.FAILED, reason=reason))

    def close(self) -> None:
        """End the action."""
        self._server.destroy()

    def _on_goal(self, _: Any) -> GoalResponse:
        with self._lock:
            free = self._open and self._question is None
            return GoalResponse.ACCEPT if free else GoalResponse.REJECT

    def _on_accepted(self, goal: Any) -> None:
        question = Question(goal)
        question.stage("waiting")
        with self._lock:
            self._question = question
