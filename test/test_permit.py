# SPDX-License-Identifier: Apache-2.0
"""permit.sh gives a group its rights, twice is once, and it takes all of them back."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from coinfer_ros import resources
from coinfer_ros.adapters.devices.clocks.former_state import SUFFIX
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.tools.doctoring import rights

from .adapters.devices import clock_trees, trees

FOLDER = resources.path("config/system")
PERMIT = FOLDER / "permit.sh"
UNIT = "coinfer-device@.service"
STATE = "var/lib/coinfer"
USER = "rosie"
# shadow's programs make group and user in a tree; they want root, and so does giving files away.
AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("groupadd"), reason="only root makes groups"
)


def _permit(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "SUDO_USER": USER}
    return subprocess.run(
        ["/bin/sh", str(PERMIT), "--root", str(root), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def _done(root: Path, *arguments: str) -> list[str]:
    """Return the commands that a run made."""
    result = _permit(root, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return [line for line in result.stdout.splitlines() if not line.startswith("#")]


def _state(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, group and content of all in a tree, but for what shadow keeps as a backup."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_gid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
        if not path.name.endswith("-")
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a machine with every kind of file that the group gets."""
    trees.jetson_orin(tmp_path)
    trees.jetson_nano_jp4(tmp_path / "nano")
    shutil.copytree(tmp_path / "nano/sys/bus", tmp_path / "sys/bus", dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "nano")
    trees.rapl(tmp_path)
    clock_trees.orin_gpu(tmp_path)
    clock_trees.desktop_acpi(tmp_path)
    for path in tmp_path.rglob("energy_uj"):
        path.chmod(0o400)
    users = f"root:x:0:0::/root:/bin/sh\n{USER}:x:1000:1000::/home/{USER}:/bin/sh\n"
    for name, text in {"passwd": users, "group": "root:x:0:\n"}.items():
        (tmp_path / "etc").mkdir(exist_ok=True)
        (tmp_path / "etc" / name).write_text(text)
    return tmp_path


def test_the_script_is_posix() -> None:
    for shell in filter(shutil.which, ("sh", "dash", "bash")):
        subprocess.run([shell, "-n", str(PERMIT)], check=True)
    assert "set -eu" in PERMIT.read_text()


def test_the_remedy_of_the_drivers_is_this_script() -> None:
    assert f"{rights.PERMIT}".endswith("/permit.sh")
    assert REMEDY.endswith(rights.PERMIT)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(root: Path) -> None:
    before = _state(root)
    said = _done(root, "--dry-run", "--service", "robot")
    assert f"usermod --prefix {root} --append --groups coinfer {USER}" in said
    assert f"chmod g+rw {root}/{clock_trees.GPU}/max_freq" in said
    assert _state(root) == before


@AS_ROOT
def test_the_group_gets_its_files_and_no_others(root: Path) -> None:
    before = _state(root)
    _done(root)
    group, members = _group(root)
    assert members == USER
    changed = {
        path: (stat.S_IMODE(mode), gid)
        for path, (mode, gid, _) in _state(root).items()
        if path.startswith("sys/") and before[path][:2] != (mode, gid)
    }
    assert {gid for _, gid in changed.values()} == {group}
    by_name = defaultdict(set)
    for path, (mode, _) in changed.items():
        by_name[re.sub(r"\d", "", Path(path).name)].add(mode)
    reads = ("max_energy_range_uj", "in_input", "curr_input", "in_voltage_input", "in_power_input")
    writes = ("min_freq", "max_freq", "scaling_min_freq", "scaling_max_freq")
    assert all(by_name.pop(name) == {0o664} for name in writes)
    assert by_name.pop("energy_uj") == {0o440}
    assert set(by_name) == {*reads, "in_current_input"}
    assert set.union(*by_name.values()) == {0o644}


@AS_ROOT
def test_the_group_may_keep_former_states(root: Path) -> None:
    _done(root)
    found = (root / STATE).stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o2775, _group(root)[0])


@AS_ROOT
def test_twice_is_once_and_removed_is_as_before(root: Path) -> None:
    before = _state(root)
    _done(root, "--service", "edge", "--nvml")
    after = _state(root)
    assert _done(root, "--service", "edge", "--nvml") == []
    assert _state(root) == after
    _done(root, "--remove")
    removed = _state(root)
    assert {path: removed[path] for path in before} == before
    assert all(stat.S_ISDIR(removed[path][0]) for path in set(removed) - set(before))
    assert _done(root, "--remove") == []


@AS_ROOT
def test_the_service_is_installed_when_asked_for_and_keeps_its_settings(root: Path) -> None:
    _done(root)
    assert not (root / "etc/systemd").exists()
    _done(root, "--service", "robot")
    units = root / "etc/systemd/system"
    assert (units / UNIT).read_text() == (FOLDER / UNIT).read_text()
    assert not (units / f"{UNIT}.d").exists()
    assert re.search(r"^coinfer:.*:/usr/sbin/nologin$", (root / "etc/passwd").read_text(), re.M)
    settings = root / "etc/coinfer/device.env"
    settings.write_text("ROS_DOMAIN_ID=7\n")
    _done(root, "--service", "robot", "--nvml")
    assert settings.read_text() == "ROS_DOMAIN_ID=7\n"
    assert (units / f"{UNIT}.d/nvml.conf").is_file()


def test_while_a_clock_is_set_nothing_is_removed(root: Path) -> None:
    trees.put(root, {f"{STATE}/cpufreq{SUFFIX}": "{}"})
    before = _state(root)
    result = _permit(root, "--remove")
    assert result.returncode == 2
    assert "run: coinfer doctor --restore" in result.stderr
    assert _state(root) == before


def test_nvidia_s_driver_is_not_promised_to_the_group(root: Path) -> None:
    assert "NVIDIA" not in _permit(root, "--dry-run").stdout
    trees.put(root, {"dev/nvidiactl": ""})
    assert "NVIDIA's driver lets no group set its clocks" in _permit(root, "--dry-run").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--what"], "unknown option --what"),
        (["--user"], "--user must have a value"),
        (["--service", "moon"], "--service must be robot or edge, got moon"),
        (["--nvml"], "--nvml must come with --service"),
    ],
)
def test_bad_arguments_change_nothing(root: Path, arguments: list[str], says: str) -> None:
    before = _state(root)
    result = _permit(root, *arguments)
    assert result.returncode == 2
    assert says in result.stderr
    assert _state(root) == before


def test_help_names_every_option() -> None:
    result = _permit(Path("/nowhere"), "--help")
    assert result.returncode == 0
    cases = re.findall(r"^        ((?:--[a-z-]+(?: \| )?)+)\)", PERMIT.read_text(), re.MULTILINE)
    options = set(re.findall(r"--[a-z-]+", " ".join(cases)))
    assert {"--remove", "--root"} <= options <= set(re.findall(r"--[a-z-]+", result.stdout))


def _group(root: Path) -> tuple[int, str]:
    lines = (root / "etc/group").read_text().splitlines()
    (words,) = (line.split(":") for line in lines if line.startswith("coinfer:"))
    return int(words[2]), words[3]
