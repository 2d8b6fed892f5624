# SPDX-License-Identifier: Apache-2.0
"""The two links between two hosts: a veth pair under netem, and a program of our own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import struct
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from bench.hosts.host import Host
from bench.hosts.impairment import Impairment
from coinfer_ros.core.errors import Unavailable

INTERFACE = "link0"  # at either end
TUN = Path("/dev/net/tun")
RELAY = Path(__file__).with_name("relay.py")
# linux/if_tun.h
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000


class Link(Protocol):
    """Carries packets between ``link0`` of one host and ``link0`` of another."""

    name: str

    def impair(self, impairment: Impairment) -> None:
        """Treat packets so from now on."""

    def close(self) -> None:
        """Take the interfaces away."""


class NetemLink:
    """The kernel's own: a veth pair, the outgoing packets of either end under ``netem``."""

    name = "netem"

    def __init__(self, first: Host, second: Host) -> None:
        """Join them.

        :raises Unavailable: where iproute2 or the kernel's sch_netem is missing.
        """
        self._ends = first, second
        first.run(
            *("ip", "link", "add", INTERFACE, "type", "veth"),
            *("peer", "name", INTERFACE, "netns", str(second.network)),
        )
        try:
            self.impair(Impairment(delay_ms=1.0))  # shows whether the kernel can
            self.impair(Impairment())
        except BaseException:
            self.close()
            raise

    def impair(self, impairment: Impairment) -> None:
        """Give either end a new netem; what waited in the old one is lost."""
        for end in self._ends:
            if "netem" in end.run("tc", "qdisc", "show", "dev", INTERFACE):
                end.run("tc", "qdisc", "del", "dev", INTERFACE, "root")
            if words := netem_words(impairment):
                end.run("tc", "qdisc", "add", "dev", INTERFACE, "root", "netem", *words)

    def close(self) -> None:
        """Delete one end, and the other with it."""
        self._ends[0].run("ip", "link", "del", INTERFACE)


class RelayLink:
    """Two TAP interfaces, and ``relay.py`` between them: any kernel with /dev/net/tun."""

    name = "relay"

    def __init__(self, first: Host, second: Host) -> None:
        """Join them.

        :raises Unavailable: where there is no /dev/net/tun.
        """
        with contextlib.ExitStack() as opened:
            taps = []
            for end in (first, second):
                taps.append(end.call(_tap))
                opened.callback(os.close, taps[-1])
            self._relay = subprocess.Popen(  # noqa: S603
                [sys.executable, "-S", str(RELAY), *map(str, taps)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=taps,
            )  # whose the interfaces now are alone: they end with it

    def impair(self, impairment: Impairment) -> None:
        """Tell the program, and wait until it holds."""
        into, out = self._relay.stdin, self._relay.stdout
        assert into is not None and out is not None  # noqa: PT018, S101
        try:
            into.write(json.dumps(asdict(impairment)) + "\n")
            into.flush()
            said = out.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            raise Unavailable(f"{RELAY.name} must run, it ended with {self._relay.wait()}")

    def close(self) -> None:
        """End the program, and its interfaces with it."""
        self._relay.communicate()


def netem_words(impairment: Impairment) -> list[str]:
    """Return the arguments of tc-netem(8), none where nothing is impaired."""
    words = []
    if impairment.delay_ms:
        words += ["delay", f"{impairment.delay_ms:g}ms"]
        if impairment.jitter_ms:
            words += [f"{impairment.jitter_ms:g}ms"]
    if impairment.loss_percent:
        words += ["loss", f"{impairment.loss_percent:g}%"]
    if impairment.reorder_percent:
        words += ["reorder", f"{impairment.reorder_percent:g}%"]
    if math.isfinite(impairment.rate_mbit):
        words += ["rate", f"{impairment.rate_mbit:g}mbit"]
    return words


def _tap() -> int:
    """Make a TAP interface on the host that this thread is, and return its descriptor."""
    try:
        descriptor = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(f"{TUN} must be there and be ours to open: {error}") from error
    try:
        request = struct.pack("16sH22x", INTERFACE.encode(), IFF_TAP | IFF_NO_PI)
        fcntl.ioctl(descriptor, TUNSETIFF, request)
    except OSError as error:
        os.close(descriptor)
        raise Unavailable(f"{TUN} must make a TAP interface: {error}") from error
    return descriptor
