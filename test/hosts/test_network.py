# SPDX-License-Identifier: Apache-2.0
"""The link between the two hosts does to packets what it is told, and no more."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from pathlib import Path

import pytest
from scipy.stats import binom

from bench.hosts.impairment import Impairment
from bench.hosts.network import EDGE_ADDRESS, Network
from coinfer_ros.core.errors import InvalidInput

from .waiting import until

pytestmark = pytest.mark.slow

PORT = 9000
PACKETS, PAYLOAD_BYTES = 400, 1000
FRAME_BYTES = PAYLOAD_BYTES + 8 + 20 + 14  # UDP, IPv4, Ethernet
SILENCE_S = 0.5
ALMOST_NEVER = 1e-9


class Stream:
    """Numbered packets from the robot to the edge, with the times of either end."""

    def __init__(self, network):
        self.sent_s, self.came_s, self.numbers = [], [], []
        open_ = (socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        with network.robot.call(*open_) as out, network.edge.call(*open_) as into:
            into.bind((EDGE_ADDRESS, PORT))
            into.settimeout(SILENCE_S)
            hearing = threading.Thread(target=self._hear, args=(into,))
            hearing.start()
            for number in range(PACKETS):
                self.sent_s.append(time.monotonic())
                out.sendto(number.to_bytes(PAYLOAD_BYTES, "little"), (EDGE_ADDRESS, PORT))
                time.sleep(0.0005)
            hearing.join()

    def _hear(self, into):
        try:
            while True:
                number = int.from_bytes(into.recv(2 * PAYLOAD_BYTES), "little")
                self.came_s.append(time.monotonic())
                self.numbers.append(number)
        except TimeoutError:
            return

    @property
    def delays_s(self):
        return [at_s - self.sent_s[n] for at_s, n in zip(self.came_s, self.numbers, strict=True)]

    @property
    def overtaken(self):
        """How many packets came after one that was sent later."""
        return sum(n < max(self.numbers[: i + 1]) for i, n in enumerate(self.numbers))


@pytest.fixture
def impaired(network):
    """Return a function that sends a stream over the link, impaired."""

    def send(**impairment):
        network.impair(Impairment(**impairment))
        return Stream(network)

    yield send
    network.mend()


def test_a_link_that_is_not_impaired_keeps_all_packets_and_their_order(impaired):
    assert impaired().numbers == list(range(PACKETS))


def test_no_packet_is_faster_than_the_delay(impaired):
    stream = impaired(delay_ms=20.0)
    assert stream.numbers == list(range(PACKETS))
    assert min(stream.delays_s) >= 0.020


def test_jitter_spreads_the_delay_and_lets_packets_overtake(impaired):
    stream = impaired(delay_ms=20.0, jitter_ms=10.0)
    assert sorted(stream.numbers) == list(range(PACKETS))
    assert 0.010 <= min(stream.delays_s) < 0.020 < max(stream.delays_s)
    assert stream.overtaken > 0


def test_as_many_packets_are_lost_as_chance_allows(impaired):
    lost = PACKETS - len(impaired(loss_percent=10.0).numbers)
    low, high = binom.interval(1.0 - ALMOST_NEVER, PACKETS, 0.1)
    assert low <= lost <= high


def test_reordered_packets_are_those_that_go_without_the_delay(impaired):
    stream = impaired(delay_ms=20.0, reorder_percent=10.0)
    assert sorted(stream.numbers) == list(range(PACKETS))
    early = sum(delay_s < 0.020 for delay_s in stream.delays_s)
    low, high = binom.interval(1.0 - ALMOST_NEVER, PACKETS, 0.1)
    assert low <= early <= high
    assert stream.overtaken > 0


def test_a_rate_is_not_exceeded(impaired):
    stream = impaired(rate_mbit=5.0)
    assert stream.numbers == list(range(PACKETS))
    wire_s = (PACKETS - 1) * 8 * FRAME_BYTES / 5e6
    # Of the first packet it is not known how long it was on the wire.
    assert stream.came_s[-1] - stream.sent_s[0] >= wire_s


def test_a_cut_link_carries_nothing_until_it_is_mended(network):
    network.cut()
    assert Stream(network).numbers == []
    network.mend()
    assert Stream(network).numbers[-1] == PACKETS - 1


def test_hosts_see_neither_this_machines_network_nor_its_shared_memory(network):
    def seen():
        names = {name for _, name in socket.if_nameindex()}
        return names, set(os.listdir("/dev/shm"))  # noqa: S108

    assert network.robot.call(seen)[0] == {"lo", "link0"}
    assert "link0" not in seen()[0]
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as ours:
        assert Path(ours.name).name not in network.robot.call(seen)[1]
        assert Path(ours.name).name in seen()[1]


@pytest.mark.usefixtures("network")  # or a reason to skip
def test_nothing_is_left_of_hosts_that_are_closed():
    before = threading.active_count()
    with Network() as other:
        files = [host.network for host in (other.robot, other.edge)]
        assert all(file.exists() for file in files)
    # os.path: of a thread that is just ending, Path may not even look.
    until(lambda: not any(os.path.exists(file) for file in files), timeout_s=5.0)
    assert threading.active_count() <= before  # others may have ended meanwhile


@pytest.mark.parametrize(
    ("impairment", "message"),
    [
        ({"delay_ms": float("nan")}, "delay_ms must be in"),
        ({"delay_ms": 1.0, "jitter_ms": 2.0}, "jitter_ms must be in"),
        ({"loss_percent": 101.0}, "loss_percent must be in"),
        ({"rate_mbit": 0.0}, "rate_mbit must be above 0"),
        ({"reorder_percent": 5.0}, "delay_ms must be above 0"),
    ],
)
def test_what_no_link_does_is_refused(impairment, message):
    with pytest.raises(InvalidInput, match=message):
        Impairment(**impairment)
