# SPDX-License-Identifier: Apache-2.0
"""What the set-up decides, from reports and logs as pip, CMake and machines print them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON_INCLUDE, NUMPY_INCLUDE = "/usr/include/python3.11", "/home/me/.venv/numpy/_core/include"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


bootstrap, environment, rules = map(_script, ("bootstrap", "environment", "setup_rules"))
LINES = rules.requirement_lines((ROOT / "requirements.txt").read_text())
JAZZY = {
    "ROS_DISTRO": "jazzy",
    "AMENT_PREFIX_PATH": "/opt/ros/jazzy",
    "LD_LIBRARY_PATH": "/opt/ros/jazzy/lib:/opt/ros/jazzy/lib/x86_64-linux-gnu",
    "PYTHONPATH": "/opt/ros/jazzy/lib/python3.12/site-packages",
}


# Which Python


def test_every_supported_python_is_tried_newest_first() -> None:
    assert bootstrap.wanted_versions({}) == [(3, 13), (3, 12), (3, 11), (3, 10)]


def test_a_sourced_ros_wants_the_python_that_it_was_built_for() -> None:
    assert bootstrap.wanted_versions(JAZZY) == [(3, 12)]


def test_an_unsuited_python_is_told_what_to_run() -> None:
    line = bootstrap.complaint((3, 8), bootstrap.wanted_versions({}), {})
    assert line == (
        "Python 3.10 to 3.13 is needed and this is Python 3.8: install one, then run "
        "make PYTHON=python3.12 (or whichever it is)"
    )
    line = bootstrap.complaint((3, 11), [(3, 12)], JAZZY)
    assert line.startswith("the sourced ROS 2 (jazzy) is built for python3.12 and this is Python")


# Which machine


def test_a_shell_without_ros_has_none() -> None:
    assert rules.sourced_ros({"PATH": "/bin"}) is None


def test_a_sourced_ros_is_remembered() -> None:
    ros = rules.sourced_ros(JAZZY)
    assert (ros.distro, ros.prefixes) == ("jazzy", ["/opt/ros/jazzy"])
    assert ros.libraries == JAZZY["LD_LIBRARY_PATH"].split(":")


def test_a_workspace_that_holds_this_package_is_not_part_of_the_sourced_ros() -> None:
    environ = {
        **JAZZY,
        "AMENT_PREFIX_PATH": "/ws/install/coinfer_ros:/opt/ros/jazzy",
        "PYTHONPATH": "/ws/install/coinfer_ros/lib/python3.12/site-packages:" + JAZZY["PYTHONPATH"],
    }
    ros = rules.sourced_ros(environ, ["/ws/install/coinfer_ros"])
    assert ros.prefixes == ["/opt/ros/jazzy"]
    assert ros.python_paths == [JAZZY["PYTHONPATH"]]


@pytest.mark.parametrize(
    ("machine", "bits", "fits"), [("x86_64", 64, True), ("aarch64", 64, False), ("i686", 32, False)]
)
def test_the_wheels_need_a_64_bit_pc(machine: str, bits: int, fits: bool) -> None:
    line = rules.machine_complaint(system="Linux", machine=machine, bits=bits, ros=None)
    assert (line is None) == fits
    assert fits or "source a ROS 2 Jazzy" in line


def test_any_machine_will_do_with_its_own_ros() -> None:
    ros = rules.sourced_ros(JAZZY)
    assert rules.machine_complaint(system="Linux", machine="aarch64", bits=64, ros=ros) is None


def test_cuda_needs_the_larger_disk() -> None:
    assert rules.disk_complaint(4_000_000_000, cuda=False) is None
    line = rules.disk_complaint(4_000_000_000, cuda=True)
    assert line.startswith("the packages need 10 GB and 4.0 GB are free")


# Which packages


def test_every_requirement_is_pinned() -> None:
    loose = [line for line in LINES if "==" not in line]
    assert not loose


def test_pip_and_uv_are_installed_by_themselves() -> None:
    names = {rules.requirement_name(line) for line in LINES}
    chosen = {
        rules.requirement_name(line) for line in rules.chosen_lines(LINES, ros=False, opengl=True)
    }
    assert names - chosen == {"pip", "uv"}


def test_a_sourced_ros_replaces_every_ros_wheel() -> None:
    chosen = rules.chosen_lines(LINES, ros=True, opengl=True)
    assert not [line for line in chosen if line.startswith("ros-")]
    assert rules.pins(chosen, "rosbags")
    assert rules.pins(chosen, "empy")


def test_without_opengl_the_same_opencv_comes_without_windows() -> None:
    (plain,) = rules.pins(LINES, "opencv-python")
    chosen = rules.chosen_lines(LINES, ros=False, opengl=False)
    assert not rules.pins(chosen, "opencv-python")
    assert rules.pins(chosen, "opencv-python-headless") == [
        plain.replace("thon==", "thon-headless==")
    ]


def _report(*names: str) -> dict[str, object]:
    return {"version": "1", "install": [{"metadata": {"name": name}} for name in names]}


@pytest.mark.parametrize("name", ["nvidia-cublas", "nvidia-cudnn-cu13", "cuda-toolkit", "triton"])
def test_a_torch_with_cuda_is_recognized_by_what_it_brings(name: str) -> None:
    assert rules.brings_cuda(_report("torch", "sympy", name))


def test_a_torch_without_cuda_is_left_to_pip() -> None:
    assert not rules.brings_cuda(_report("torch", "sympy", "networkx", "typing_extensions"))


# The wheels' CMake files


def test_the_builders_headers_become_this_machines() -> None:
    text = (
        '  INTERFACE_INCLUDE_DIRECTORIES "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\n'
    )
    repaired = rules.repaired_cmake(
        text, python_include=PYTHON_INCLUDE, numpy_include=NUMPY_INCLUDE
    )
    assert repaired == f'  INTERFACE_INCLUDE_DIRECTORIES "{PYTHON_INCLUDE};{NUMPY_INCLUDE}"\n'


def test_repairing_twice_changes_nothing_more() -> None:
    paths = {"python_include": PYTHON_INCLUDE, "numpy_include": NUMPY_INCLUDE}
    once = rules.repaired_cmake('"/opt/python/cp313-cp313/include/python3.13"', **paths)
    assert rules.repaired_cmake(once, **paths) == once == f'"{PYTHON_INCLUDE}"'


# What is said


RETRY = (
    "WARNING: Retrying (Retry(total={}, connect=None, read=None)) after connection broken by "
    "'NameResolutionError(\"Failed to resolve 'index' ([Errno -3] Temporary failure in name "
    "resolution)\")': /simple/pip/\n"
)


def test_no_network_is_told_as_such() -> None:
    log = RETRY.format(1) + RETRY.format(0) + "ERROR: No matching distribution found for pip==9\n"
    assert rules.pip_complaint(log).startswith(
        "the package index cannot be reached (Temporary failure in name resolution)"
    )


def test_a_network_that_came_back_is_not_blamed() -> None:
    log = RETRY.format(4) + "ERROR: No matching distribution found for pip==9\n"
    assert rules.pip_complaint(log) == "pip failed: No matching distribution found for pip==9"


def test_the_last_error_of_pip_is_told() -> None:
    log = "ERROR: Could not find a version\nERROR: No matching distribution found for torch==9\n"
    assert rules.pip_complaint(log) == "pip failed: No matching distribution found for torch==9"


@pytest.mark.parametrize(
    ("log", "end"),
    [
        ("x\n/a/plan.c:3:9: error: unknown type\nmore\n", "/a/plan.c:3:9: error: unknown type"),
        (
            "CMake Error at CMakeLists.txt:5 (find_package):\n  By not providing it\n",
            "CMake Error at CMakeLists.txt:5 (find_package): By not providing it",
        ),
        ("Killed\n", "Killed"),
    ],
)
def test_the_first_error_of_a_build_is_told(log: str, end: str) -> None:
    assert rules.build_complaint(log) == f"building the messages failed: {end}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Collecting numpy==2.4.6 (from -r requirements.txt (line 3))", "looking at numpy"),
        ("  Downloading torch-2.13.0-cp311-x.whl (191 MB)", "downloading torch-2.13.0 (191 MB)"),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("[12/97] Building C object x.o", "building 12 of 97"),
        ("something else", "before"),
    ],
)
def test_a_line_of_output_becomes_an_activity(line: str, said: str) -> None:
    assert rules.activity(line, "before") == said


def test_progress_is_added_to_what_is_downloaded() -> None:
    half = rules.activity("Progress 50 of 100", "downloading torch")
    assert half == "downloading torch 50 %"
    assert rules.activity("Progress 100 of 100", half) == "downloading torch 100 %"


def test_a_fingerprint_knows_where_a_part_ends() -> None:
    assert rules.fingerprint(["ab", "c"]) != rules.fingerprint(["a", "bc"])
    assert rules.fingerprint(["ab", b"c"]) == rules.fingerprint([b"ab", "c"])


# What every start of the environment's Python gets


def _wanted(environ: dict[str, str]) -> dict[str, str]:
    variables: dict[str, str] = environment.wanted(
        environ, prefixes=["/v"], libraries=["/v/lib", "/v/ros_rcl.libs"]
    )
    return variables


def test_own_libraries_come_before_inherited_ones() -> None:
    variables = _wanted({"LD_LIBRARY_PATH": "/other/lib:/v/lib"})
    assert variables["LD_LIBRARY_PATH"] == "/v/lib:/v/ros_rcl.libs:/other/lib"
    assert variables["AMENT_PREFIX_PATH"] == "/v"


def test_the_variables_settle_after_one_start() -> None:
    once = _wanted({"LD_LIBRARY_PATH": "/other/lib", "AMENT_PREFIX_PATH": "/opt/ros/jazzy"})
    assert _wanted(once) == once


def test_a_python_path_that_would_hide_the_package_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "ros" / "rclpy").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    inherited = os.pathsep.join(str(tmp_path / name) for name in ("ros", "mine"))
    assert _wanted({"PYTHONPATH": inherited})["PYTHONPATH"] == str(tmp_path / "mine")


RCLPY_TRIAL = (
    "import os, rclpy, coinfer_ros.msg, ament_index_python as a; "
    "print(a.get_package_share_directory('coinfer_ros'))"
)


@pytest.mark.ros
@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1", "LD_LIBRARY_PATH": "/other/lib"},
        {"PYTHONPATH": str(ROOT)},
    ],
    ids=["bare", "guard of another environment", "source tree on the path"],
)
def test_ros_works_from_any_shell_and_folder(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RCLPY_TRIAL],
        env={"PATH": os.defpath, **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == "coinfer_ros"
