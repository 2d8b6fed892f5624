# SPDX-License-Identifier: Apache-2.0
"""The udev rules and the systemd unit say what they must, and agree with the package."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from coinfer_ros import resources
from coinfer_ros.adapters.devices.clocks.devfreq import GPUS
from coinfer_ros.parameters import DeviceSettings
from coinfer_ros.tools import doctor
from coinfer_ros.tools.doctoring import clocks, ros

FOLDER = resources.path("config/system")
RULES = (FOLDER / "70-coinfer.rules").read_text()
UNIT = "coinfer-device@.service"


def _unit(name: str) -> dict[str, list[str]]:
    """Return the directives of a unit file in the order that they are given."""
    found = defaultdict(list)
    for line in (FOLDER / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key].append(value)
    return found


SERVICE, NVML = _unit(UNIT), _unit(f"{UNIT}.d/nvml.conf")


def test_rules_and_script_know_the_clocks_that_the_package_knows() -> None:
    (kernel,) = re.findall(r'SUBSYSTEM=="devfreq", KERNEL=="([^"]+)"', RULES)
    assert tuple(kernel.split("|")) == GPUS
    script = (FOLDER / "permit.sh").read_text()
    for name in GPUS:
        assert f"rw /sys/class/devfreq/{name}/m[ia][nx]_freq" in script
        assert any(f"-/sys/class/devfreq/{name}" in paths for paths in SERVICE["ReadWritePaths"])
    for pattern in clocks.FILES.values():
        assert Path(pattern).name.replace("m??", "m[ia][nx]") in script


def test_every_rule_gives_the_group_and_only_the_group_rights_by_whole_paths() -> None:
    rules = [line for line in RULES.splitlines() if line and not line.startswith("#")]
    assert len(rules) == 5
    for rule in rules:
        assert rule.startswith('ACTION!="remove", SUBSYSTEM=="')
        assert rule.count('"') % 2 == 0
        programs = re.findall(r"[^ ';\"]*\b(?:chmod|chgrp|sh)\b", rule)
        assert all(program.startswith("/bin/") for program in programs)
        assert "chgrp coinfer /sys%p/" in rule
        assert re.findall(r"chmod (\S+)", rule) in (["g+r"], ["g+w"])


@pytest.mark.skipif(not shutil.which("udevadm"), reason="udevadm is not here")
def test_udev_accepts_the_rules() -> None:
    shown = subprocess.run(
        [
            str(shutil.which("udevadm")),
            "verify",
            "--resolve-names=never",
            str(FOLDER / "70-coinfer.rules"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Unknown command" in shown.stderr:
        pytest.skip("this udevadm is too old to verify")
    assert shown.returncode == 0, shown.stderr


def test_the_service_has_the_least_rights() -> None:
    assert (SERVICE["User"], SERVICE["Group"]) == (["coinfer"], ["coinfer"])
    assert SERVICE["CapabilityBoundingSet"] == [""]
    assert "AmbientCapabilities" not in SERVICE
    for name in ("NoNewPrivileges", "ProtectKernelTunables", "PrivateTmp", "RestrictNamespaces"):
        assert SERVICE[name] == ["yes"]
    assert (SERVICE["ProtectSystem"], SERVICE["ProtectHome"]) == (["strict"], ["read-only"])
    # Either would shut /dev/nvidia*.
    assert not {"PrivateDevices", "ProtectClock", "DeviceAllow"} & set(SERVICE)


def test_only_the_drop_in_has_the_capability_that_nvidia_s_driver_asks_for() -> None:
    capability = ["CAP_SYS_ADMIN"]
    assert {"CapabilityBoundingSet": capability, "AmbientCapabilities": capability} == NVML


def test_its_messages_reach_nodes_of_other_users() -> None:
    environ = dict(line.split("=") for line in SERVICE["Environment"])
    assert environ["FASTDDS_BUILTIN_TRANSPORTS"] == "UDPv4"
    assert environ["FASTDDS_BUILTIN_TRANSPORTS"] in ros.TRANSPORTS
    assert not ros.is_local(environ)  # or it would have no effect


def test_however_it_ends_the_clock_is_given_back_within_the_time_for_it() -> None:
    (stop,) = SERVICE["ExecStopPost"]
    assert f"coinfer doctor --restore --state-dir {DeviceSettings.clock_folder}" in stop
    assert f"/var/lib/{SERVICE['StateDirectory'][0]}" == DeviceSettings.clock_folder
    assert float(SERVICE["TimeoutStopSec"][0]) > doctor.PATIENCE_S
    assert SERVICE["Restart"] == ["on-failure"]


def test_what_it_starts_is_the_device_node_with_its_own_settings() -> None:
    (start,) = SERVICE["ExecStart"]
    assert "from coinfer_ros.nodes.device import main; sys.exit(main())" in start
    assert "-p exit_on_refusal:=true" in start
    assert "-r __node:=%i_device" in start
    assert "-p device.role:=%i" in start
    assert (FOLDER / "../device.yaml").is_file()
    # systemd takes one of two dollars away; bash and not systemd is to see these.
    assert not re.findall(r"(?<!\$)\$(?!\$)", start.replace("$$", ""))
    settings = (FOLDER / "device.env").read_text()
    for name in ("COINFER_SETUP", "COINFER_ARGUMENTS"):
        assert f"$${name}" in start
        assert f"\n{name}=" in settings


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("role", ["robot", "edge"])
def test_systemd_accepts_the_unit(tmp_path: Path, role: str) -> None:
    unit = shutil.copy(FOLDER / UNIT, tmp_path / f"coinfer-device@{role}.service")
    shutil.copytree(FOLDER / f"{UNIT}.d", f"{unit}.d")
    shown = subprocess.run(
        [str(shutil.which("systemd-analyze")), "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_page_names_every_file() -> None:
    page = (FOLDER / "README.md").read_text()
    others = [path for path in FOLDER.rglob("*") if path.is_file() and path.name != "README.md"]
    assert len(others) == 5
    assert all(path.name in page for path in others)
