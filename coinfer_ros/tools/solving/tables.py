# SPDX-License-Identifier: Apache-2.0
"""The problem of two machines that were measured, or of boards: a table of every setting."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from coinfer_ros.core import limits
from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Problem, Quality, Tables
from coinfer_ros.core.profile import ROLES, ComputedHalf, Joint, MeasuredHalf, Profile
from coinfer_ros.tools.solving import analytic, halves, question
from coinfer_ros.tools.solving.halves import Half
from coinfer_ros.tools.solving.link import link
from coinfer_ros.tools.solving.question import Asked
from coinfer_ros.tools.solving.words import refuse, require

_UNUSED_FLOP = 1.0  # of a half that was measured


def asked(arguments: argparse.Namespace) -> Asked:
    """Return the problem over what was measured and what boards would take.

    :raises CoinferError: naming the flag, file or field at fault; so is an energy budget where a
        profile has no energies.
    """
    both = halves.read(arguments)
    for role, half in both.items():
        _check_half(arguments, role, half)
    computed = [f"{role}_flop" for role, half in both.items() if half.profile is None]
    require(arguments, (*computed, *question.needed(arguments)))
    joint = _joint(arguments, both)
    budget = question.budget(arguments, endless=True)
    _check_energy(arguments, budget.energy_j, joint, both)
    robot = both["robot"]
    weight_rate = _weight_rate(arguments, robot)
    tables = _tables(arguments, joint, both)
    measured = _losses(robot.profile, tables.widths)
    _check_loss(arguments, robot, measured=measured is not None)
    return Asked(
        Problem(
            tables,
            budget,
            measured or question.of_law(arguments, tables.widths, weight_rate),
            objective=question.OBJECTIVES[arguments.objective],
            loss_max=min(arguments.distortion_max, arguments.embedding_error_max),
        ),
        weight_rate,
        joint,
        measured_loss=measured is not None,
    )


def _check_half(arguments: argparse.Namespace, role: str, half: Half) -> None:
    """Check that nothing is said of a half that its profile or board says already."""
    given, got = arguments.given, f"with {half.name}"
    formula = analytic.processor_flags(role)
    refuse(given, formula, purpose=f"the {role} by its formula", got=got)
    if half.profile is not None:
        beside = {
            "robot": ("--robot-flop", "--weight-bits", "--weight-rate"),
            "edge": ("--edge-flop", "--tokens", "--token-flop"),
        }[role]
        refuse(given, beside, purpose="a half that was not measured", got=got)


def _joint(arguments: argparse.Namespace, both: Mapping[str, Half]) -> Joint:
    flops = [
        _UNUSED_FLOP if both[role].profile else getattr(arguments, f"{role}_flop") for role in ROLES
    ]
    work = analytic.workload(arguments, *flops)
    costs = {"robot": work.robot_flop_at, "edge": lambda _: work.edge_flop_in_all}
    return Joint(
        *(
            ComputedHalf(half.machine, costs[role])
            if isinstance(half.machine, Board)
            else MeasuredHalf(half.machine)
            for role, half in both.items()
        )
    )


def _tables(arguments: argparse.Namespace, joint: Joint, both: Mapping[str, Half]) -> Tables:
    robot, most = both["robot"], arguments.max_bits
    if robot.profile is not None and robot.profile.widths[0] > most:
        raise InvalidInput(
            f"--max-bits must leave one of the widths of {robot.name}, "
            f"{list(robot.profile.widths)}, got {most}"
        )
    profiles = {half.name: half.profile for half in both.values() if half.profile is not None}
    between = link(arguments, profiles)
    tables = joint.tables(range(1, most + 1))
    for role in joint.unmetered:  # what is known of some settings alone compares with nothing
        name = f"{role}_energy_j"
        tables = dataclasses.replace(tables, **{name: np.zeros_like(getattr(tables, name))})
    return tables.with_overhead(delay_s=between.delay_s, energy_j=between.energy_j)


def _check_energy(
    arguments: argparse.Namespace, energy_j: float, joint: Joint, both: Mapping[str, Half]
) -> None:
    """Check that no energy is limited or made least that is not known."""
    names = " and ".join(both[role].name for role in joint.unmetered)
    why = f"while {names} has no energies (no power meter)"
    if joint.unmetered and energy_j != math.inf:
        raise InvalidInput(f"--energy-j must be inf, no limit, {why}, got {energy_j:g}")
    if len(joint.unmetered) == len(both) and arguments.objective == "energy":
        raise InvalidInput(f"--objective must be distortion or delay {why}, got energy")


def _weight_rate(arguments: argparse.Namespace, robot: Half) -> float:
    if robot.profile is None:
        return float(arguments.weight_rate)
    name = f"weights.weight_rate of {robot.name}"
    return limits.WEIGHT_RATE.check(name, robot.profile.weights.weight_rate)


def _losses(profile: Profile | None, widths: tuple[int, ...]) -> Quality | None:
    """Return the embedding's measured errors, None unless all were measured."""
    if profile is None or profile.losses is None:
        return None
    losses = dict(zip(profile.widths, profile.losses, strict=True))
    return Quality(widths, tuple(losses[bits] for bits in widths))


def _check_loss(arguments: argparse.Namespace, robot: Half, *, measured: bool) -> None:
    """Check that a greatest loss is one of those that are planned with."""
    if measured:
        purpose, wrong = "widths without measured errors", "--distortion-max"
    else:
        purpose, wrong = "a profile with measured errors", "--embedding-error-max"
    refuse(arguments.given, [wrong], purpose=purpose, got=f"with {robot.name}")
