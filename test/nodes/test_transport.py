# SPDX-License-Identifier: Apache-2.0
"""Every shipped transport profile is taken by real processes, does what it says, and delivers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.core.errors import NotPermitted, Unavailable
from coinfer_ros.nodes import peer

# At the end: the installed coinfer_ros, which has the messages, must be found before the sources.
ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

from bench.hosts.host import Host
from bench.hosts.network import Network

pytestmark = [pytest.mark.ros, pytest.mark.slow]

PROFILES = ROOT / "config" / "transport"
ONE_HOST, WIFI, WIFI_UDP = (PROFILES / f"{name}.xml" for name in ("one_host", "wifi", "wifi_udp"))

CLIENT, SERVER = PROFILES / "discovery_server.xml", PROFILES / "discovery_server_host.xml"
MIB = 2**20
PAYLOAD_BYTES = 4 * MIB
DEFAULT_SEGMENT_BYTES = MIB  # Fast DDS's 512 KiB and its own records
LONGEST_PACKET_BYTES = 1500


def name_of(value):
    """Return how a profile is named among a test's parameters."""
    return getattr(value, "stem", None)


@dataclass(frozen=True)
class Seen:
    """The shared memory of the process that answered, and what both said."""

    segments_bytes: list[int]
    said: str


@pytest.fixture
def host():
    """A host whose only interface is its loopback, with multicast."""
    try:
        made = Host()
    except (NotPermitted, Unavailable) as error:
        pytest.skip(f"no host of our own on this machine: {error}")
    with closing(made):
        made.run("ip", "link", "set", "lo", "multicast", "on")
        made.run("ip", "route", "add", "224.0.0.0/4", "dev", "lo")
        yield made


@pytest.fixture
def network():
    try:
        made = Network()
    except (NotPermitted, Unavailable) as error:
        pytest.skip(f"no hosts of our own on this machine: {error}")
    with made:
        yield made


def environment(profile, **more):
    """Return what a process is started with on a network that is its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FASTRTPS", "FASTDDS", "RMW"))}
    own = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_DOMAIN_ID": "0"}
    given = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(profile)} if profile else {}
    return {**kept, **own, **given, **more}


@contextmanager
def started(host, *command, **options):
    """Run a program on a host; it ends with the block."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = host.call(partial(subprocess.Popen, command, **pipes, **options))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def round_trip(asking, answering, profile, **more):
    """Send 4 MiB there and back, compare them, and look at the process that answered."""
    program = str(ROOT / "bench" / "round_trip.py")
    start = {"env": environment(profile, **more)}
    with (
        started(answering, sys.executable, program, "echo", "--whole", **start) as echo,
        started(
            asking, sys.executable, program, "ask", str(PAYLOAD_BYTES), "--whole", **start
        ) as ask,
    ):
        said, _ = ask.communicate(timeout=90)
        assert ask.returncode == 0, said
        assert '"seconds": [null]' not in said, said
        segments_bytes = segments_of(echo.pid)
        echo.terminate()
        also_said, _ = echo.communicate(timeout=20)
    return Seen(segments_bytes, said + also_said)


def segments_of(pid):
    """Return the sizes of the shared memory that a process has mapped for data, bytes."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    spans = re.findall(r"^(\w+)-(\w+) .*/dev/shm/fastrtps_[0-9a-f]{16}$", maps, re.MULTILINE)
    return [int(end, 16) - int(begin, 16) for begin, end in spans]


def complaints(said):
    """Return what Fast DDS says of a profile that it does not take."""
    return [line for line in said.splitlines() if "XMLPARSER" in line or "Couldn't set" in line]


@pytest.mark.parametrize(
    ("profile", "is_as_written"),
    [
        pytest.param(None, lambda sizes: max(sizes) < DEFAULT_SEGMENT_BYTES, id="default"),
        pytest.param(ONE_HOST, lambda sizes: max(sizes) >= 64 * MIB, id="one_host"),
        # Twice its sockets, which are megabytes of 10^6.
        pytest.param(WIFI, lambda sizes: 8e6 <= max(sizes) < 16e6, id="wifi"),
        pytest.param(WIFI_UDP, lambda sizes: 16 * MIB <= max(sizes) < 20 * MIB, id="wifi_udp"),
    ],
)
def test_processes_of_one_host_share_as_much_memory_as_the_profile_says(
    host, profile, is_as_written
):
    seen = round_trip(host, host, profile)
    assert is_as_written(seen.segments_bytes), seen.segments_bytes
    assert complaints(seen.said) == []


@pytest.mark.parametrize(
    ("profile", "least_bytes"), [(ONE_HOST, 64 * MIB), (WIFI_UDP, 16 * MIB)], ids=name_of
)
def test_shared_memory_is_as_written_too_where_ros_is_told_to_stay_on_this_machine(
    host, profile, least_bytes
):
    seen = round_trip(host, host, profile, ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")
    assert max(seen.segments_bytes) >= least_bytes


@pytest.mark.parametrize("profile", [ONE_HOST, WIFI, WIFI_UDP], ids=name_of)
def test_messages_arrive_whole_too_when_ros_is_told_to_take_quality_of_service_from_the_file(
    host, profile
):
    assert complaints(round_trip(host, host, profile, RMW_FASTRTPS_USE_QOS_FROM_XML="1").said) == []


def counted(host, protocol, name):
    """Return one of the kernel's counts of packets on a host."""
    lines = host.call(Path("/proc/thread-self/net/snmp").read_text).splitlines()
    names, values = (line.split() for line in lines if line.startswith(f"{protocol}:"))
    return int(dict(zip(names, values, strict=True))[name])


@pytest.mark.parametrize(
    ("profile", "is_tcp"), [(None, False), (WIFI, True), (WIFI_UDP, False)], ids=name_of
)
def test_tensors_between_hosts_go_by_tcp_under_wifi_and_by_udp_else(network, profile, is_tcp):
    seen = round_trip(network.robot, network.edge, profile)
    segments = counted(network.robot, "Tcp", "OutSegs")
    assert segments > PAYLOAD_BYTES / LONGEST_PACKET_BYTES if is_tcp else segments == 0
    assert complaints(seen.said) == []


@pytest.mark.parametrize(("profile", "is_cut"), [(None, True), (WIFI_UDP, False)], ids=name_of)
def test_no_fragment_of_wifi_udp_is_cut_into_packets_again(network, profile, is_cut):
    round_trip(network.robot, network.edge, profile)
    pieces, whole = (
        counted(network.robot, "Ip", "FragCreates"),
        PAYLOAD_BYTES / LONGEST_PACKET_BYTES,
    )
    # Discovery's messages are not the writers' and may be longer than a packet: a few.
    assert pieces > whole if is_cut else pieces < 0.01 * whole


def meeting(host, timeout_s):
    """Return what two twins under the client's profile say of each other."""
    command = (sys.executable, "-m", peer.__name__)
    start = {"env": environment(CLIENT, COINFER_DISCOVERY_SERVER="127.0.0.1")}
    with ExitStack() as running:
        twins = [
            running.enter_context(
                started(host, *command, role, "--timeout-s", str(timeout_s), **start)
            )
            for role in peer.TWINS
        ]
        return [twin.communicate(timeout=60)[0] for twin in twins]


def test_clients_of_the_discovery_server_find_each_other_through_it_alone(host):
    server = shutil.which("fast-discovery-server", path=str(Path(sys.executable).parent))
    if server is None:
        pytest.skip("fast-discovery-server is not beside Python: it comes with Fast DDS")
    for said in meeting(host, 3.0):
        assert '"matched_s": null' in said
    with started(host, server, "-x", str(SERVER), env=environment(None)):
        for said in meeting(host, 20.0):
            assert '"matched_s": null' not in said
            assert complaints(said) == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text.replace("segment_size>", "segment_sise>"), "Error parsing '{file}'"),
        (lambda text: text.replace(">SHM<", ">SHARED<"), "Error parsing '{file}'"),
        (lambda text: text[:400], "Error parsing '{file}'"),
        (None, "realpath failed No such file or directory"),
    ],
    ids=["a misspelt element", "an unknown transport", "half a file", "no file"],
)
def test_a_broken_profile_is_complained_of_and_replaced_by_the_defaults(
    host, tmp_path, broken, reason
):
    # Fast DDS goes on: nothing but its words tells, so the tests above look for them.
    file = tmp_path / "broken.xml"
    if broken is not None:
        file.write_text(broken(ONE_HOST.read_text(encoding="utf-8")))
    seen = round_trip(host, host, file)
    assert any(reason.format(file=file) in line for line in complaints(seen.said)), seen.said
    assert max(seen.segments_bytes) < DEFAULT_SEGMENT_BYTES


def test_the_client_of_a_server_that_no_variable_names_is_told_so(host):
    seen = round_trip(host, host, CLIENT)
    missing = "Could not find a value for environment variable COINFER_DISCOVERY_SERVER"
    assert any(missing in line for line in complaints(seen.said))


def test_no_profile_is_shipped_that_these_tests_do_not_run():
    shipped = set(PROFILES.glob("*.xml"))
    assert shipped == {ONE_HOST, WIFI, WIFI_UDP, CLIENT, SERVER}


@pytest.mark.parametrize("name", ["zenoh_router", "zenoh_session"])
def test_zenoh_knows_every_key_of_the_shipped_configuration(name):
    zenoh = pytest.importorskip("zenoh", reason="eclipse-zenoh is not here")
    file = PROFILES / f"{name}.json5"
    zenoh.Config.from_file(str(file))  # refuses keys that it does not know
    with pytest.raises(Exception, match="unknown field"):
        zenoh.Config.from_json5(file.read_text(encoding="utf-8").replace("lease", "leese"))
