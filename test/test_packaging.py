# SPDX-License-Identifier: Apache-2.0
"""The package as colcon, CMake and pip see it: one version, every file, every executable."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import coinfer_ros
from coinfer_ros import resources
from coinfer_ros.core.errors import Unavailable

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ET.parse(ROOT / "package.xml").getroot()  # noqa: S314 - our own file
CMAKE = (ROOT / "CMakeLists.txt").read_text()
NODES = (
    "camera",
    "controller",
    "device",
    "edge",
    "impaired_link",
    "recorder",
    "robot",
    "seeker",
    "simulator",
)


def _interfaces() -> list[Path]:
    return [path for kind in ("action", "msg", "srv") for path in sorted(ROOT.glob(f"{kind}/*"))]


def _declared(*tags: str) -> set[str]:
    return {element.text or "" for tag in tags for element in MANIFEST.iter(tag)}


# The manifest


def test_catkin_accepts_the_manifest() -> None:
    package = pytest.importorskip("catkin_pkg.package")
    assert package.parse_package(str(ROOT)).name == "coinfer_ros"


def test_the_versions_agree() -> None:
    assert MANIFEST.findtext("version") == coinfer_ros.__version__


def test_setup_py_has_the_version_and_the_shipped_files(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "setup.py", "--version"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout.strip().splitlines()[-1] == coinfer_ros.__version__, shown.stderr


# Interfaces


def test_the_build_looks_into_every_folder_of_interfaces() -> None:
    missed = [p.name for p in _interfaces() if f"{p.parent.name}/*{p.suffix}" not in CMAKE]
    assert not missed


def test_the_build_and_the_manifest_name_every_package_whose_messages_are_used() -> None:
    used = {
        name
        for path in _interfaces()
        for name in re.findall(r"^(\w+)/\w+", path.read_text(), flags=re.MULTILINE)
    } - {"coinfer_ros"}
    found = re.search(r"DEPENDENCIES ([\w\s]+)\)", CMAKE)
    assert found is not None
    assert used <= set(found.group(1).split())
    assert used <= _declared("depend")


@pytest.mark.ros
def test_every_interface_can_be_imported() -> None:
    for path in _interfaces():
        module = importlib.import_module(f"coinfer_ros.{path.parent.name}")
        assert hasattr(module, path.stem)


# What is installed


@pytest.mark.ros
def test_code_and_messages_are_one_installed_package() -> None:
    messages = importlib.import_module("coinfer_ros.msg").__file__
    installed = Path(coinfer_ros.__file__).parent
    assert installed != ROOT / "coinfer_ros"
    assert Path(str(messages)).parent.parent == installed


@pytest.mark.ros
def test_every_module_of_the_source_is_installed() -> None:
    installed = Path(coinfer_ros.__file__).parent
    source = ROOT / "coinfer_ros"
    missed = [
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if not (installed / path.relative_to(source)).is_file()
    ]
    assert not missed


@pytest.mark.ros
@pytest.mark.parametrize("node", NODES)
def test_every_node_can_be_executed(node: str) -> None:
    assert os.access(resources.executable(node), os.X_OK)
    assert (ROOT / "coinfer_ros" / "nodes" / f"{node}.py").is_file()


@pytest.mark.ros
def test_the_command_runs_from_any_folder(tmp_path: Path) -> None:
    command = resources.executable("robot").parents[2] / "bin" / "coinfer"
    shown = subprocess.run(
        [command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "demo" in shown.stdout


# Shipped files


def test_a_shipped_file_is_found() -> None:
    assert resources.path("config").is_dir()
    assert resources.path("msg/Plan.msg").is_file()


def test_a_file_that_is_not_shipped_is_named() -> None:
    with pytest.raises(Unavailable, match=r"config/none\.yaml is not in /"):
        resources.path("config/none.yaml")


def test_a_node_that_does_not_exist_is_named() -> None:
    with pytest.raises(Unavailable, match="the node cook is not installed"):
        resources.executable("cook")


@pytest.mark.parametrize(
    "folder", ["lib/python3.12/site-packages", "local/lib/python3/dist-packages"]
)
def test_files_are_found_below_any_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    share = tmp_path / "share" / "coinfer_ros"
    share.mkdir(parents=True)
    (share / "package.xml").touch()
    (share / "config").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / folder / "coinfer_ros")
    resources.root.cache_clear()
    try:
        assert resources.path("config") == share / "config"
    finally:
        resources.root.cache_clear()


# Versions of Python


def test_the_oldest_python_is_the_same_everywhere() -> None:
    bootstrap, setup, project = (
        (ROOT / name).read_text() for name in ("scripts/bootstrap.py", "setup.py", "pyproject.toml")
    )
    oldest = re.search(r"OLDEST, NEWEST = \((\d+), (\d+)\)", bootstrap)
    assert oldest is not None
    major, minor = oldest.groups()
    assert f'python_requires=">={major}.{minor}"' in setup
    assert f'target-version = "py{major}{minor}"' in project
