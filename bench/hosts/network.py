# SPDX-License-Identifier: Apache-2.0
"""A robot's and an edge's host, joined by a link that can be impaired and cut."""

from __future__ import annotations

import contextlib

from bench.hosts.host import Host
from bench.hosts.impairment import CUT, NONE, Impairment
from bench.hosts.links import INTERFACE, Link, NetemLink, RelayLink
from coinfer_ros.core.closing import Closing
from coinfer_ros.core.errors import Unavailable

ROBOT_ADDRESS, EDGE_ADDRESS = "10.77.0.1", "10.77.0.2"
ROBOT_MAC, EDGE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Network(Closing):
    """Two hosts on one wire; leaving the ``with`` block takes all of it away.

    The kernel's netem impairs the wire where it is there, else a program of our own does.

    :ivar robot: the robot's host.
    :ivar edge: the edge's host.
    """

    def __init__(self) -> None:
        """Make it.

        :raises NotPermitted: without root's rights.
        :raises Unavailable: without iproute2, or without both netem and /dev/net/tun.
        """
        with contextlib.ExitStack() as opened:
            self.robot = opened.enter_context(contextlib.closing(Host()))
            self.edge = opened.enter_context(contextlib.closing(Host()))
            self._link = opened.enter_context(contextlib.closing(_link(self.robot, self.edge)))
            robot, edge = (ROBOT_ADDRESS, ROBOT_MAC), (EDGE_ADDRESS, EDGE_MAC)
            _plug(self.robot, own=robot, other=edge)
            _plug(self.edge, own=edge, other=robot)
            self._held = opened.pop_all()

    @property
    def kind(self) -> str:
        """What impairs the link: ``netem`` or ``relay``."""
        return self._link.name

    def impair(self, impairment: Impairment) -> None:
        """Treat packets so from now on, in each direction by itself."""
        self._link.impair(impairment)

    def cut(self) -> None:
        """Let no packet through, in silence, as a radio out of reach; ``mend`` ends it."""
        self.impair(CUT)

    def mend(self) -> None:
        """Let all packets through again, unimpaired."""
        self.impair(NONE)

    def close(self) -> None:
        """Take link and hosts away; what still runs in a host is cut off."""
        self._held.close()


def _plug(host: Host, *, own: tuple[str, str], other: tuple[str, str]) -> None:
    """Bring a host's end of the link up; ``own`` and ``other`` are addresses of IP and Ethernet."""
    host.run("ip", "link", "set", INTERFACE, "address", own[1])
    host.run("ip", "address", "add", f"{own[0]}/24", "dev", INTERFACE)
    host.run("ip", "link", "set", INTERFACE, "up")
    host.run("ip", "route", "add", "default", "dev", INTERFACE)  # multicast needs one
    # After a cut, Linux asks for the other's Ethernet address once a second: that second would be
    # counted as the system's.
    known = (other[0], "lladdr", other[1], "dev", INTERFACE, "nud", "permanent")
    host.run("ip", "neighbour", "replace", *known)


def _link(first: Host, second: Host) -> Link:
    try:
        return NetemLink(first, second)
    except Unavailable as netem:
        try:
            return RelayLink(first, second)
        except Unavailable as relay:
            raise Unavailable(f"a link must be had: {netem}; {relay}") from relay
