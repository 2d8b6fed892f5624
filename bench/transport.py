# SPDX-License-Identifier: Apache-2.0
"""Round trips of payloads under the shipped transport profiles: on one host, and over bad links."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.hosts.host import Host
from bench.hosts.impairment import Impairment
from bench.hosts.links import INTERFACE
from bench.hosts.network import EDGE_ADDRESS, ROBOT_ADDRESS, Network
from bench.options import Options
from bench.section import Section, verdict
from coinfer_ros import resources
from coinfer_ros.core.errors import Unavailable

PROGRAM = Path(__file__).with_name("round_trip.py")
SIZES_KIB = (64, 256, 1024, 4096)
LOSSES_PERCENT = (0.0, 1.0, 5.0)
DELAY_MS, RATE_MBIT = 20.0, 50
LONGEST_S, IN_TIME_S = 3.0, 1.0
CUT_S, CUT_KIB = 5.0, 256
ONE_HOST = "one host"


@dataclass(frozen=True)
class Setup:
    """One way to run both ends.

    :param name: as in the table.
    :param profile: file in config/transport, empty: Fast DDS's own defaults.
    :param congestion: TCP's congestion control.
    """

    name: str
    profile: str = ""
    congestion: str = "cubic"

    @property
    def environment(self) -> dict[str, str]:
        """What the two programs are started with."""
        kept = {name: value for name, value in os.environ.items() if "FASTRTPS" not in name}
        own = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_DOMAIN_ID": "0"}
        path = str(resources.path(f"config/transport/{self.profile}.xml")) if self.profile else ""
        return {**kept, **own, **({"FASTRTPS_DEFAULT_PROFILES_FILE": path} if path else {})}


DEFAULT = Setup("default")
BBR = Setup("wifi, BBR", "wifi", "bbr")
TWO_HOSTS = (DEFAULT, Setup("wifi", "wifi"), BBR, Setup("wifi_udp", "wifi_udp"))
SETUPS = (Setup("one_host", "one_host"), *TWO_HOSTS)


@dataclass(frozen=True)
class Trips:
    """Seconds of the round trips of one size, infinity for the lost."""

    seconds: tuple[float, ...]

    def within(self, longest_s: float) -> float:
        """Return the share that took at most as long."""
        return sum(one <= longest_s for one in self.seconds) / len(self.seconds)

    def at(self, share: float) -> float:
        """Return what this share of them did not exceed."""
        return sorted(self.seconds)[math.ceil(share * len(self.seconds)) - 1]

    def __str__(self) -> str:
        median, p95 = (
            f"> {1e3 * LONGEST_S:.0f}" if s == math.inf else f"{1e3 * s:.{1 if s < 0.1 else 0}f}"
            for s in (self.at(0.5), self.at(0.95))
        )
        return f"{median} ({p95}) {100.0 * self.within(IN_TIME_S):.0f} %"


def measure(options: Options) -> Section:
    """Run every setup on one host, then over links that lose more and more, then over a cut one."""
    table: dict[str, dict[str, list[Trips]]] = {}
    with Network() as network:
        on_one = (network.robot, network.robot)
        table[ONE_HOST] = {s.name: _trips(s, on_one, options) for s in SETUPS if s is not BBR}
        between = (network.robot, network.edge)
        for loss in LOSSES_PERCENT:
            _impair(network, loss)
            table[f"{loss:g} % lost"] = {s.name: _trips(s, between, options) for s in TWO_HOSTS}
        _impair(network, 0.0)
        cut = {s.name: _cut(s, network) for s in TWO_HOSTS}
        kind = network.kind
    names = [setup.name for setup in SETUPS]
    rows = [
        (where, f"{kib} KiB", *(str(cells[n][i]) if n in cells else "" for n in names))
        for where, cells in table.items()
        for i, kib in enumerate(SIZES_KIB)
    ]
    last = (f"cut for {CUT_S:g} s", f"{CUT_KIB} KiB", *(cut.get(name, "") for name in names))
    return Section(
        title="Transport profiles",
        columns=("link", "payload", *names),
        rows=(*rows, last),
        verdicts=(_no_worse(table),),
        reading=_reading(kind),
    )


def _trips(setup: Setup, hosts: tuple[Host, Host], options: Options) -> list[Trips]:
    rounds, most_s = options.rounds(50, 5), options.rounds(15, 4)
    arguments = [*(str(kib * 1024) for kib in SIZES_KIB), "--rounds", str(rounds)]
    arguments += ["--longest-s", str(LONGEST_S), "--most-s", str(most_s)]
    with _both_ends(setup, hosts, arguments) as lines:
        found = [json.loads(line)["seconds"] for line in lines]
    if len(found) != len(SIZES_KIB):
        raise Unavailable(f"round trips must end for every payload, got those of {len(found)}")
    return [Trips(tuple(math.inf if s is None else s for s in seconds)) for seconds in found]


def _cut(setup: Setup, network: Network) -> str:
    """Return after how long answers come again once a cut link is whole, and what sending took."""
    rounds = str(round(4.0 * CUT_S))
    arguments = [str(CUT_KIB * 1024), "--rounds", rounds, "--longest-s", str(IN_TIME_S)]
    hosts = (network.robot, network.edge)
    with _both_ends(setup, hosts, [*arguments, "--pause-s", "0.2"]) as lines:
        time.sleep(1.0)
        network.impair(Impairment(loss_percent=100.0))
        time.sleep(CUT_S)
        _impair(network, 0.0)
        mended_s = time.monotonic()
        found = json.loads(next(lines))
    after = [at_s - mended_s for at_s in found["came_s"] if at_s > mended_s]
    again = f"{min(after):.2f} s" if after else "not again"
    return f"{again}, {found['publish_s']:.2f} s"


@contextmanager
def _both_ends(
    setup: Setup, hosts: tuple[Host, Host], arguments: Sequence[str]
) -> Iterator[Iterator[str]]:
    """Run both ends and yield what the asking one says once it has met the other."""
    for host, other in zip(hosts, (EDGE_ADDRESS, ROBOT_ADDRESS), strict=True):
        route = (f"{other}/32", "dev", INTERFACE, "congctl", setup.congestion)
        host.run("ip", "route", "replace", *route)
    command = [sys.executable, str(PROGRAM)]
    start = partial(subprocess.Popen[str], env=setup.environment, text=True)
    echo = hosts[1].call(start, [*command, "echo"])
    asks = hosts[0].call(partial(start, stdout=subprocess.PIPE), [*command, "ask", *arguments])
    try:
        assert asks.stdout is not None  # noqa: S101
        if not asks.stdout.readline():
            raise Unavailable(f"both ends must meet under {setup.name}, got no answer")
        yield iter(asks.stdout)
    finally:
        for process in (asks, echo):
            process.terminate()
            process.wait()


def _impair(network: Network, loss_percent: float) -> None:
    """Make the link a slow one that loses packets."""
    slow = {"delay_ms": DELAY_MS, "loss_percent": loss_percent}
    if network.kind == "netem":
        network.impair(Impairment(**slow, rate_mbit=RATE_MBIT))
        return
    # A queue in the sender's kernel, as a radio has: it fills the socket and so holds the writer
    # up, which a queue behind the interface cannot.
    for host in (network.robot, network.edge):
        words = ("rate", f"{RATE_MBIT}mbit", "burst", "16kb", "latency", "200ms")
        host.run("tc", "qdisc", "replace", "dev", INTERFACE, "root", "tbf", *words)
    network.impair(Impairment(**slow))


def _no_worse(table: dict[str, dict[str, list[Trips]]]) -> str:
    """Say whether a shipped profile ever brings fewer answers in time than the default."""
    worse = [
        f"{name} at {where}, {kib} KiB"
        for where, cells in table.items()
        for name, trips in cells.items()
        for kib, ours, default in zip(SIZES_KIB, trips, cells[DEFAULT.name], strict=True)
        if ours.within(IN_TIME_S) < default.within(IN_TIME_S)
    ]
    seen = "; ".join(worse) or "nowhere fewer"
    target = "every profile brings at least as many answers within 1 s as the default"
    return verdict(target, met=not worse, seen=seen)


def _reading(kind: str) -> str:
    carried = "netem" if kind == "netem" else "bench/hosts/relay.py, for this kernel has no netem"
    return (
        "Median (95th percentile), ms, and the share that came back within 1 s: one payload in an "
        "`Embedding` there, its number back, one after the other; QoS as the nodes'. A round is "
        f"lost after {LONGEST_S:g} s; 50 rounds a cell, or as many as begin in 15 s. Two hosts: "
        f"two network namespaces, {DELAY_MS:g} ms and {RATE_MBIT} Mbit/s each way, losses by "
        f"{carried}. TCP's congestion control is CUBIC, in one column BBR. The last row: after how "
        f"long answers came again when a link that let nothing through for {CUT_S:g} s was whole, "
        "and the longest that publishing blocked."
    )
