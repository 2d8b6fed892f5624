# SPDX-License-Identifier: Apache-2.0
"""Reads command-line arguments so that a wrong one gives one line: argument, rule, what came."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import MOST_SIDE_PX, Limits


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises InvalidInput where the original prints usage and exits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong.

        :raises InvalidInput: always.
        """
        raise InvalidInput(message)


def add_number(
    parser: argparse.ArgumentParser,
    flag: str,
    limits: Limits,
    *,
    text: str,
    default: float | None = None,
) -> None:
    """Add a real number within ``limits``; required where it has no default."""
    _add(
        parser,
        flag,
        check=lambda value: limits.check(flag, value),
        text=text,
        default=default,
        metavar=limits.unit or "ratio",
    )


def add_whole(
    parser: argparse.ArgumentParser,
    flag: str,
    *,
    low: int,
    high: int,
    text: str,
    default: int | None = None,
    required: bool = True,
) -> None:
    """Add a whole number in [low, high]; required where it has no default, unless said so."""
    _add(
        parser,
        flag,
        check=lambda value: checks.whole(flag, value, low=low, high=high),
        text=text,
        default=default,
        metavar=f"{low}..{high}",
        required=required,
    )


def add_image_px(parser: argparse.ArgumentParser) -> None:
    """Add ``--image-px``: None, or width and height in pixels."""
    parser.add_argument(
        "--image-px",
        metavar="WxH",
        type=_size,
        help="size that images are brought to where the model takes any (448x448)",
    )


def join_negatives(arguments: Sequence[str]) -> list[str]:
    """Join a flag and the negative number that follows it with an equals sign.

    argparse takes ``-1`` for a value but ``-inf`` and ``-1e9`` for unknown flags, and would then
    say that an argument is missing.

    >>> join_negatives(["--deadline-s", "-inf", "--json"])
    ['--deadline-s=-inf', '--json']
    """
    joined: list[str] = []
    for argument in arguments:
        previous = joined[-1] if joined else ""
        if previous.startswith("--") and "=" not in previous and _is_negative(argument):
            joined[-1] = f"{previous}={argument}"
        else:
            joined.append(argument)
    return joined


def _add(
    parser: argparse.ArgumentParser,
    flag: str,
    *,
    check: Callable[[object], float],
    text: str,
    default: float | None,
    metavar: str,
    required: bool = True,
) -> None:
    parser.add_argument(
        flag,
        action=_Checked,
        check=check,
        required=required and default is None,
        default=default,
        metavar=metavar,
        help=text if default is None else f"{text} (default {default:g})",
    )


class _Checked(argparse.Action):
    """Stores a checked number. An action, not a type: argparse rewords what a type raises."""

    def __init__(self, *, check: Callable[[object], float], **options: Any) -> None:
        super().__init__(**options)
        self._check = check

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        setattr(namespace, self.dest, self._check(_parsed(values)))


def _parsed(text: str) -> object:
    """Return the number that ``text`` spells, or the text, which no check lets through."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"--image-px must be WIDTHxHEIGHT, got {text!r}")
    size = int(width), int(height)
    if not all(1 <= side <= MOST_SIDE_PX for side in size):
        raise argparse.ArgumentTypeError(
            f"--image-px must have sides of 1 to {MOST_SIDE_PX}, got {text!r}"
        )
    return size


def _is_negative(text: str) -> bool:
    return text.startswith("-") and not isinstance(_parsed(text), str)
