# SPDX-License-Identifier: Apache-2.0
"""Reads and sets the clock of the CPU cores, which Linux shows as cpufreq policies."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.cpufreq_policy import Policy
from coinfer_ros.adapters.devices.clocks.frequency_domain import limit_text
from coinfer_ros.adapters.devices.clocks.nvpmodel import mode_number, present_mode
from coinfer_ros.adapters.devices.clocks.sysfs_throttle import Throttle
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable, Unsupported
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import ClockReading


class CpufreqClock:
    """The one clock that all policies share: each goes to its own step nearest to the one asked.

    The steps are those of all policies together. It is never set above the ``scaling_max_freq``
    found at first, nor above what nvpmodel's power mode allows.

    :param root: root of the system's files.
    :ivar faults: readings and table entries left out.
    :raises Unavailable: when the kernel scales the clock of no core.
    :raises Unsupported: when a policy has no step within its limits.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.device = "cpufreq"
        self.faults = Faults()
        self._root = root
        cpu = root / "sys/devices/system/cpu"
        self._folder = cpu / "cpufreq"
        self._throttle = Throttle(
            root,
            # As the kernel calls it now, as it did before, and as ACPI calls it.
            limits=("cpufreq-", "thermal-cpufreq-", "Processor"),
            alerts=("cpu-throttle-alert",),
            counters=[
                ("heat", path) for path in cpu.glob("cpu*/thermal_throttle/*_throttle_count")
            ],
        )
        self._look()

    def read(self) -> ClockReading:
        """Return the mean over the cores that are on.

        A policy without a reading is left out of the mean, and counted.

        :raises Unavailable: when no policy answers.
        """
        cycles, cores, silent = 0.0, 0, list[Unavailable]()
        for policy in self._policies:
            try:
                cycles += policy.read_hz() * policy.cores
                cores += policy.cores
            except (InvalidInput, NotPermitted) as error:
                self.faults.add("scaling_cur_freq is no number", str(error))
            except Unavailable as error:
                self.faults.add("policy does not answer", str(error))
                silent.append(error)
        if len(silent) == len(self._policies):
            raise silent[0]
        return ClockReading(cycles / cores if cores else math.nan, self._throttle.words())

    def former(self) -> Mapping[str, str]:
        """Return the limits of every policy as they stand, and the power mode that gave them.

        :raises Unavailable: when they cannot be read, or heat hides them.
        """
        self._throttle.refuse_hidden_limits(self.device)
        former = {"power_mode": mode_number(present_mode(self._root))}
        for policy in self._policies:
            least, greatest = policy.domain.former()
            former[f"{policy.name}/min_freq"] = least
            former[f"{policy.name}/max_freq"] = greatest
        return former

    def set_hz(self, step_hz: float) -> None:
        """Set every policy to its own step nearest to ``step_hz``, or none.

        :raises InvalidInput: when it is none of the steps.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when a policy is gone or refuses, or the power mode has become lower.
        """
        if step_hz not in self.steps_hz:
            raise InvalidInput(f"step_hz must be one of {self.steps_hz}, got {step_hz!r}")
        mode = present_mode(self._root)
        done: list[tuple[Policy, tuple[str, str]]] = []
        try:
            for policy, steps_hz in self._policies.items():
                before = policy.domain.former()
                nearest_hz = min(steps_hz, key=lambda own_hz: abs(own_hz - step_hz))
                policy.domain.pin(nearest_hz, policy.limits(mode))
                done.append((policy, before))
        except (NotPermitted, Unavailable):
            for policy, before in reversed(done):
                with contextlib.suppress(NotPermitted, Unavailable):
                    policy.domain.restore(*before)
            raise

    def restore(self, former: Mapping[str, str]) -> None:
        """Write the limits back; where the power mode has changed since, those of the new mode.

        :raises InvalidInput: when ``former`` is not what ``former()`` returns.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when a policy is gone or refuses.
        """
        texts = _texts(former)
        mode = present_mode(self._root)
        changed = mode is not None and former.get("power_mode") != mode_number(mode)
        errors: list[NotPermitted | Unavailable] = []
        for name, own in texts.items():
            try:
                policy = Policy(self._folder / name, self.faults)
            except Unavailable as error:
                # nvpmodel gives cores their limits when it turns them on.
                errors += [] if changed else [error]
                continue
            try:
                policy.domain.restore(
                    *(policy.domain.texts(policy.limits(mode)) if changed else own)
                )
            except (NotPermitted, Unavailable) as error:
                errors.append(error)
        if errors:
            raise errors[0]
        self._look()

    def close(self) -> None:
        """Nothing is held open."""

    def _look(self) -> None:
        """Learn the steps; again after ``restore``, as a killed owner's limits narrow them."""
        self._policies: dict[Policy, tuple[float, ...]] = {}
        mode = present_mode(self._root)
        for folder in sorted(self._folder.glob("policy[0-9]*")):
            # A policy whose cores are all off does not answer, and has no clock to set.
            with contextlib.suppress(Unavailable):
                policy = Policy(folder, self.faults)
                self._policies[policy] = policy.domain.steps_hz(policy.limits(mode))
        if not self._policies:
            raise Unavailable(f"{self._folder} must have a policy of a core that is on")
        if not all(self._policies.values()):
            raise Unsupported(f"each policy in {self._folder} must have a step within its limits")
        self.steps_hz = tuple(sorted({step for own in self._policies.values() for step in own}))
        self.default_hz = self.steps_hz[-1]


def _texts(former: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the limits of each policy in a former state.

    :raises InvalidInput: when a name is no policy's, or a limit no number.
    """
    names = sorted({key.partition("/")[0] for key in former if key != "power_mode"})
    for name in names:
        # The name becomes part of a path, which a file from elsewhere must not choose.
        if not re.fullmatch(r"policy[0-9]{1,4}", name):
            raise InvalidInput(f"a former state of cpufreq must name policies, got {name[:40]!r}")
    return {
        name: (limit_text(former, f"{name}/min_freq"), limit_text(former, f"{name}/max_freq"))
        for name in names
    }
