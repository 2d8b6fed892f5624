# SPDX-License-Identifier: Apache-2.0
"""The task's question to the model, and its answers."""

from __future__ import annotations

import re

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import SHAPES
from coinfer_ros.sim.arena.sight import DIRECTIONS, DISTANCES, Sight
from coinfer_ros.sim.scene import COLOURS

NOT_SEEN = "not seen"
_ANSWER = re.compile(rf"({'|'.join(DIRECTIONS)})\W+({'|'.join(DISTANCES)})")


def question(name: str) -> str:
    """Return the prompt that asks for a thing.

    :raises InvalidInput: when it is no thing that the model was taught.

    >>> question("red cube")
    'Question: which way to the red cube? Answer:'
    """
    return f"Question: which way to the {checked_name(name)}? Answer:"


def answer(sight: Sight) -> str:
    """Return the right answer.

    >>> answer(Sight("left", "near")), answer(Sight("", ""))
    ('left near', 'not seen')
    """
    return f"{sight.direction} {sight.distance}" if sight.seen else NOT_SEEN


def read_answer(text: str) -> Sight | None:
    """Return what a model said, None for words that are no answer.

    >>> read_answer("centre far")
    Sight(direction='centre', distance='far', plain=True)
    >>> read_answer("a red cube") is None
    True
    """
    said = " ".join(text.lower().split()).strip(" .")
    if said == NOT_SEEN:
        return Sight("", "")
    found = _ANSWER.fullmatch(said)
    return Sight(found[1], found[2]) if found else None


def checked_name(name: str) -> str:
    """Return the name of a thing that there can be.

    :raises InvalidInput: otherwise.
    """
    colour, _, shape = name.partition(" ")
    if colour not in COLOURS or shape not in SHAPES:
        raise InvalidInput(
            f"the object must be a colour of {', '.join(COLOURS)} and a shape of "
            f"{', '.join(SHAPES)}, such as 'red cube', got {name[:64]!r}"
        )
    return name
