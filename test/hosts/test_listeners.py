# SPDX-License-Identifier: Apache-2.0
"""Nothing listens on either host but DDS."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LISTENING = "0A"  # linux/tcp_states.h
# Of domain 0: ports of DDSI-RTPS, 9.6.1.1, up to its last participant, and what Fast DDS binds for
# each participant of an empty rclpy program, 400 below them.
DDS_PORTS = range(7000, 7650)


def sockets(system, host, protocol):
    """Return (port, state) of every socket of a host."""
    lines = system.run(host, "cat", f"/proc/net/{protocol}", f"/proc/net/{protocol}6").splitlines()
    rows = [line.split() for line in lines if line.split()[0].rstrip(":").isdigit()]
    return [(int(row[1].rpartition(":")[2], 16), row[3]) for row in rows]


@pytest.mark.parametrize("host", ["robot", "edge"])
def test_nobody_listens_but_dds(system, host):
    assert not [port for port, state in sockets(system, host, "tcp") if state == LISTENING]
    bound = {port for port, _ in sockets(system, host, "udp")}
    assert bound & set(DDS_PORTS)
    low, high = system.run(host, "cat", "/proc/sys/net/ipv4/ip_local_port_range").split()
    sending = range(int(low), int(high) + 1)  # what a sender is given by the kernel
    assert {port for port in bound if port not in DDS_PORTS and port not in sending} == set()
