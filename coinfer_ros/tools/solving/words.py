# SPDX-License-Identifier: Apache-2.0
"""Tells flags that were given from defaults, and checks those whose rule depends on others."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools.arguments import Parser


def forget_defaults(parser: Parser) -> None:
    """Let what is not given be None until ``completed``: it must contradict nothing."""
    defaults = vars(parser.parse_args([]))
    parser.set_defaults(**dict.fromkeys(defaults), defaults=defaults)


def completed(arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments with their defaults, and what was given as ``given``."""
    there = {name: value for name, value in vars(arguments).items() if value is not None}
    names = arguments.defaults.keys() & there.keys()
    return argparse.Namespace(
        **{**arguments.defaults, **there}, given=frozenset(flag(name) for name in names)
    )


def flag(name: str) -> str:
    """Return the flag of an argument.

    >>> flag("robot_flop")
    '--robot-flop'
    """
    return f"--{name.replace('_', '-')}"


def add_unchecked(parser: Parser, name: str, *, metavar: str, text: str) -> None:
    """Add a number without default that is checked where it is used, if it is used."""
    parser.add_argument(name, type=_number, metavar=metavar, help=text)


def require(arguments: argparse.Namespace, names: Iterable[str]) -> None:
    """Check that arguments are there, in the words of argparse.

    :raises InvalidInput: naming those that are not.
    """
    missing = [flag(name) for name in names if getattr(arguments, name) is None]
    if missing:
        raise InvalidInput(f"the following arguments are required: {', '.join(missing)}")


def refuse(given: Iterable[str], flags: Iterable[str], *, purpose: str, got: str) -> None:
    """Check that none of ``flags`` was given.

    :param purpose: what they are for.
    :param got: what was given that they contradict, such as ``with --pareto``.
    :raises InvalidInput: naming the first, its purpose and what came.
    """
    for name in flags:
        if name in given:
            raise InvalidInput(f"{name} is for {purpose}, got it {got}")


def _number(text: str) -> object:
    """Return the number that ``text`` spells, or the text, which no check lets through."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
