# SPDX-License-Identifier: Apache-2.0
"""Looks at what DDS needs of the network: loopback, multicast, and room for large messages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from coinfer_ros.adapters.devices.sysfs import read_number, read_text
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable
from coinfer_ros.tools.doctoring import ros
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status

# linux/if.h
IFF_UP, IFF_MULTICAST = 0x1, 0x1000
# Fast DDS takes the system's default for its sockets ("Increasing socket buffers size" of its
# documentation, where the advised size is from too).
BUFFER = "proc/sys/net/core/rmem_{}"
ADVISED_BYTES = 12_582_912
# The embedding of one image of a larger model, 16 bits a value: 256 tokens of 2,048 channels.
LARGE_BYTES = 2**20


def checks(root: Path) -> list[Check]:
    """Return the checks of the network.

    :param root: where ``sys`` and ``proc`` hang.
    """
    return [
        Check(ros.AREA, "network", partial(_interfaces, root)),
        Check(ros.AREA, "receive buffer", partial(_buffer, root)),
    ]


def _interfaces(root: Path) -> Iterator[Finding]:
    flags = {path.parent.name: _flags(path) for path in root.glob("sys/class/net/*/flags")}
    up = sorted(name for name, bits in flags.items() if bits & IFF_UP and name != "lo")
    multicast = [name for name in up if flags[name] & IFF_MULTICAST]
    if not flags.get("lo", 0) & IFF_UP:
        words = "the loopback interface must be up for nodes of this machine to find each other"
        yield Finding(ros.AREA, "network", Status.FAULT, words, "sudo ip link set lo up")
    elif not multicast:
        words = f"no interface with multicast is up{' but ' + ', '.join(up) if up else ''}: nodes "
        words += "of other hosts are found by ROS_STATIC_PEERS alone"
        yield Finding(ros.AREA, "network", Status.LIMITED, words)
    else:
        words = f"loopback is up; multicast by {', '.join(multicast)}"
        yield Finding(ros.AREA, "network", Status.GOOD, words)


def _buffer(root: Path) -> Iterator[Finding]:
    try:
        own, most = (read_number(root / BUFFER.format(end)) for end in ("default", "max"))
    except (InvalidInput, NotPermitted, Unavailable) as error:
        yield Finding(ros.AREA, "receive buffer", Status.MISSING, str(error))
        return
    words = f"{own / 1024:,.0f} KiB a socket by default, {most / 1024:,.0f} KiB at most"
    if min(own, most) >= LARGE_BYTES:
        yield Finding(ros.AREA, "receive buffer", Status.GOOD, words)
        return
    words += "; between hosts, messages larger than that may lose parts and be sent again"
    command = (
        f"sudo sysctl -w net.core.rmem_max={ADVISED_BYTES} net.core.rmem_default={ADVISED_BYTES}"
    )
    yield Finding(ros.AREA, "receive buffer", Status.LIMITED, words, command)


def _flags(path: Path) -> int:
    try:
        return int(read_text(path), 16)
    except (NotPermitted, Unavailable, ValueError):
        return 0
