# SPDX-License-Identifier: Apache-2.0
"""The set-up's steps: checks, virtual environment, packages, messages, trial.

Each step is skipped while its stamp holds. A stamp is removed before its step starts and written
after it, so a step that was killed is done again from nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import setup_rules as rules
from setup_checks import check_machine, has_gpu, has_opengl, own_prefixes, version
from setup_process import LOGS, ROOT, announce, child_environment, follow, locked, note
from setup_rules import Ros, SetupError

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PACKAGES_STAMP = VENV / "coinfer-packages.json"
BUILD = ROOT / "build" / "setup"
INSTALL_STAMP = BUILD / "installed.json"
INTERFACES = ("action", "msg", "srv")
INSTALLED = ("coinfer_ros", "config", "launch", "media", "models")


def run(*, exact_python: bool) -> int | str:
    """Do every step that is not done yet.

    :param exact_python: an environment made with another Python does not count as done.
    :return: 0, or the one line that says what is missing.
    """
    try:
        with locked():
            set_up(exact_python=exact_python)
    except SetupError as error:
        return f"set-up: {error}"
    except OSError as error:
        return f"set-up: {error.strerror}: {error.filename}"
    except KeyboardInterrupt:
        return "set-up: interrupted; the next make repairs what was left half done"
    return 0


def set_up(*, exact_python: bool) -> None:
    """Bring the environment and the installed package up to date."""
    sourced = rules.sourced_ros(os.environ, own_prefixes(os.environ))
    done = packages_done(sourced, exact_python=exact_python)
    if done is None:
        announce(1, "Checks")
        check_machine(sourced, ROOT)
        INSTALL_STAMP.unlink(missing_ok=True)
        make_environment()
        lines = rules.requirement_lines((ROOT / "requirements.txt").read_text())
        install_packages(lines, sourced)
        done = {"key": packages_key(version(), sourced), "python": version()}
        done["ros"] = sourced and dataclasses.asdict(sourced)
        PACKAGES_STAMP.write_text(json.dumps(done))
    ros = Ros(**done["ros"]) if done["ros"] else None
    key = install_key(done)
    if stamp(INSTALL_STAMP).get("key") != key:
        install_package(ros)
        try_out()
        INSTALL_STAMP.write_text(json.dumps({"key": key}))


# Stamps


def stamp(path: Path) -> dict[str, Any]:
    """Return what a finished step left, or nothing."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def packages_key(python: str, ros: Ros | None) -> str:
    """Key what the packages depend on. A virtual environment cannot be moved, hence the folder."""
    requirements = (ROOT / "requirements.txt").read_text()
    return rules.fingerprint([requirements, python, ros.distro if ros else "", str(ROOT)])


def packages_done(sourced: Ros | None, *, exact_python: bool) -> dict[str, Any] | None:
    """Return the packages' stamp when they are as wanted.

    An environment that was made with a sourced ROS 2 still counts in a shell without one, and one
    made with another Python counts unless a Python was asked for.
    """
    done = stamp(PACKAGES_STAMP)
    if not done or not PYTHON.exists():
        return None
    remembered = Ros(**done["ros"]) if done["ros"] else None
    if done["key"] != packages_key(done["python"], remembered):
        return None
    if exact_python and done["python"] != version():
        return None
    if sourced is not None and (remembered is None or remembered.distro != sourced.distro):
        return None
    if remembered is not None and not all(map(os.path.isdir, remembered.prefixes)):
        return None
    return done


def install_key(done: Mapping[str, Any]) -> str:
    """Key what the installation depends on: what is built by content, the rest by name.

    The rest is linked to, not copied, so that an edit needs no installation.
    """
    built = [ROOT / "CMakeLists.txt", ROOT / "package.xml", *sorted((ROOT / "scripts").glob("*.*"))]
    for folder in INTERFACES:
        built += sorted((ROOT / folder).glob("*.*"))
    names = [str(path) for folder in INSTALLED for path in source_files(ROOT / folder)]
    contents = [part for path in built for part in (path.name, path.read_bytes())]
    return rules.fingerprint([json.dumps(done, sort_keys=True), *contents, *names])


def source_files(folder: Path) -> list[Path]:
    """List every file that an installation would link to."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


# Steps 2 and 3: environment and packages


def make_environment() -> None:
    """Make an empty virtual environment in place of what is there."""
    announce(2, f"Virtual environment with Python {platform.python_version()} in .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    shutil.rmtree(BUILD, ignore_errors=True)
    LOGS.mkdir(exist_ok=True)
    follow([sys.executable, "-m", "venv", str(VENV)], "environment", rules.last_line)


def install_packages(lines: Sequence[str], ros: Ros | None) -> None:
    """Install what requirements.txt pins."""
    announce(3, "Packages (the first time about 0.4 GB to fetch, 2 GB on disk)")
    opengl = has_opengl()
    if not opengl:
        note("libGL.so.1 is not here: taking opencv-python-headless, which opens no windows")
    pip("install", *rules.pins(lines, "pip"))
    if not has_gpu():
        take_small_torch(lines)
    chosen = LOGS / "requirements.txt"
    chosen.write_text("\n".join(rules.chosen_lines(lines, ros=ros is not None, opengl=opengl)))
    pip("install", "--requirement", str(chosen))


def take_small_torch(lines: Sequence[str]) -> None:
    """Install a torch without CUDA where the index's own would bring it."""
    report = LOGS / "torch.json"
    torch = rules.pins(lines, "torch")
    pip("install", "--quiet", "--dry-run", "--report", str(report), *torch)
    if not rules.brings_cuda(json.loads(report.read_text())):
        return
    pip("install", *rules.pins(lines, "uv"))
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON), "--no-deps"]
    try:
        follow([*uv, "--torch-backend=cpu", *torch], "torch", rules.last_line)
    except SetupError:
        note("torch without CUDA cannot be fetched (build/torch.log): taking it with, 4 GB more")
        complaint = rules.disk_complaint(shutil.disk_usage(ROOT).free, cuda=True)
        if complaint:
            raise SetupError(complaint) from None


def pip(*arguments: str) -> None:
    """Run the environment's pip."""
    command = [str(PYTHON), "-m", "pip", *arguments, "--disable-pip-version-check"]
    if arguments[1] == "--requirement":
        command += ["--progress-bar", "raw"]
    follow(command, "packages", rules.pip_complaint)


# Steps 4 and 5: this package


def install_package(ros: Ros | None) -> None:
    """Build the messages and install this package into the environment, linked to the source."""
    announce(4, "Messages and this package")
    if not INSTALL_STAMP.exists():
        shutil.rmtree(BUILD, ignore_errors=True)
    INSTALL_STAMP.unlink(missing_ok=True)
    site = site_packages()
    for stale in (site / "coinfer_ros", VENV / "lib/coinfer_ros", VENV / "share/coinfer_ros"):
        shutil.rmtree(stale, ignore_errors=True)
    if ros is None:
        repair_wheels(site)
    install_environment(site, ros)
    prefixes = [str(VENV), *(ros.prefixes if ros else ())]
    BUILD.mkdir(parents=True, exist_ok=True)
    environ = {
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "AMENT_PREFIX_PATH": os.pathsep.join(prefixes),
    }
    cmake = str(VENV / "bin" / "cmake")
    configure = [
        *(cmake, "-S", str(ROOT), "-B", str(BUILD), "-G", "Ninja"),
        f"-DCMAKE_INSTALL_PREFIX={VENV}",
        f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}",
        f"-DPython3_EXECUTABLE={PYTHON}",
        "-DAMENT_CMAKE_SYMLINK_INSTALL=1",
        "-DBUILD_TESTING=OFF",
    ]
    for command in (configure, [cmake, "--build", str(BUILD)], [cmake, "--install", str(BUILD)]):
        # ament writes its list of links into the working folder.
        follow(command, "messages", rules.build_complaint, environ, cwd=BUILD)


def site_packages() -> Path:
    """Return the environment's site-packages, which need not be of the running Python's version."""
    return next((VENV / "lib").glob("python3.*/site-packages"))


def repair_wheels(site: Path) -> None:
    """Make the ROS wheels' CMake files name this machine's headers.

    Their own start-up hook goes: ours does its work, in a fixed order and for every child.
    """
    (site / "ros_wheels_bootstrapper.pth").unlink(missing_ok=True)
    code = "import numpy, sysconfig; print(sysconfig.get_paths()['include']); "
    asked = subprocess.run(  # noqa: S603
        [str(PYTHON), "-c", code + "print(numpy.get_include())"],
        capture_output=True,
        text=True,
        check=True,
        env=child_environment(),
    )
    python_include, numpy_include = asked.stdout.splitlines()
    for path in VENV.glob("share/*/cmake/*Export.cmake"):
        before = path.read_text()
        after = rules.repaired_cmake(
            before, python_include=python_include, numpy_include=numpy_include
        )
        if after != before:
            path.write_text(after)


def install_environment(site: Path, ros: Ros | None) -> None:
    """Make every start of the environment's Python find the ROS libraries (environment.py)."""
    libraries = [str(VENV / "lib"), *map(str, sorted(site.glob("ros_*.libs")))]
    arguments = {
        "prefixes": [str(VENV), *(ros.prefixes if ros else ())],
        "libraries": [*libraries, *(ros.libraries if ros else ())],
    }
    call = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    lines = [*(ros.python_paths if ros else ())]
    lines.append(f"import _coinfer_environment; _coinfer_environment.enter({call})")
    shutil.copyfile(ROOT / "scripts" / "environment.py", site / "_coinfer_environment.py")
    (site / "_coinfer_environment.pth").write_text("\n".join(lines) + "\n")


def try_out() -> None:
    """Import what is most often broken by a machine's own libraries."""
    announce(5, "Trial")
    code = "import cv2, rclpy, torch, coinfer_ros.msg; rclpy.init(); rclpy.shutdown()"

    def complaint(log: str) -> str:
        return f"the installed packages do not work: {rules.last_line(log)}"

    follow([str(PYTHON), "-c", code], "trial", complaint, cwd=VENV)
