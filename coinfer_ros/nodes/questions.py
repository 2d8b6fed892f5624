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
    def cancelled(self) -> bool:
        """True once the asker has taken it back."""
        return bool(self._goal.is_cancel_requested)

    def stage(self, name: str) -> None:
        """Tell the asker how far it is."""
        self._goal.publish_feedback(
            Infer.Feedback(stage=name, elapsed_s=time.monotonic() - self._begun_s)
        )

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
    """Accepts one question at a time and keeps it until the worker takes it."""

    def __init__(self, node: Node) -> None:
        self._lock = threading.Lock()
        self._waiting: Question | None = None
        self._server = ActionServer(
            node,
            Infer,
            "infer",
            execute_callback=lambda _: Infer.Result(),  # unused: see Question.finish
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def take(self) -> Question | None:
        """Return the waiting question and make room for the next."""
        with self._lock:
            question, self._waiting = self._waiting, None
            return question

    def close(self) -> None:
        """Stop accepting."""
        self._server.destroy()

    def _on_goal(self, _: Any) -> GoalResponse:
        with self._lock:
            return GoalResponse.REJECT if self._waiting else GoalResponse.ACCEPT

    def _on_accepted(self, goal: Any) -> None:
        question = Question(goal)
        question.stage("waiting")
        with self._lock:
            self._waiting = question
