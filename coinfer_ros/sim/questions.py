# SPDX-License-Identifier: Apache-2.0
"""Questions about a scene, each with its one right answer."""

from __future__ import annotations

from coinfer_ros.sim.scene import MIDDLE_M, SIDE_M, Scene, SceneObject

COUNTS = ("no", "one", "two")


def questions(scene: Scene) -> tuple[tuple[str, str], ...]:
    """Return the questions that a scene answers, as prompts, and the answers.

    A question about the ball is asked where there is one ball only, and so for colours.

    >>> from coinfer_ros.sim.scene import SceneObject
    >>> ball = SceneObject("ball", "blue", 0.0, 0.0, 0.4)
    >>> for question, answer in questions(Scene((ball,))):
    ...     print(question, answer)
    Question: how many objects are there? Answer: one
    Question: what colour is the ball? Answer: blue
    Question: what shape is the blue object? Answer: ball
    Question: where is the blue ball? Answer: in the middle
    """
    things = sorted(scene.objects, key=lambda thing: thing.x_m)
    asked = [("how many objects are there", COUNTS[len(things)])]
    shapes, colours = [t.shape for t in things], [t.colour for t in things]
    for thing in things:
        if shapes.count(thing.shape) == 1:
            asked.append((f"what colour is the {thing.shape}", thing.colour))
        if colours.count(thing.colour) == 1:
            asked.append((f"what shape is the {thing.colour} object", thing.shape))
        if place := _place(thing):
            asked.append((f"where is the {thing.name}", place))
    if len(things) == 2:
        left, right = (thing.name for thing in things)
        asked.append((f"what is left of the {right}", f"a {left}"))
        asked.append((f"what is right of the {left}", f"a {right}"))
    return tuple((f"Question: {question}? Answer:", answer) for question, answer in asked)


def _place(thing: SceneObject) -> str:
    """Return where an object plainly is, or nothing where that could be disputed."""
    if abs(thing.x_m) <= MIDDLE_M:
        return "in the middle"
    if abs(thing.x_m) < SIDE_M:
        return ""
    return "on the left" if thing.x_m < 0 else "on the right"
