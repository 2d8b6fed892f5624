# SPDX-License-Identifier: Apache-2.0
"""Serves `pip install .` of the library and its command, without ROS and without messages."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
SHARED_FOLDERS = ("action", "config", "launch", "media", "models", "msg", "srv", "worlds")


def version() -> str:
    """Read the version from where it is kept."""
    text = (ROOT / "coinfer_ros" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, flags=re.MULTILINE)
    if found is None:
        raise RuntimeError("coinfer_ros/__init__.py has no line __version__ = ...")
    return found.group(1)


def shared_files() -> list[tuple[str, list[str]]]:
    """List what goes to share/coinfer_ros, folder by folder, as setuptools wants it."""
    listed = [("share/coinfer_ros", ["package.xml"])]
    for name in SHARED_FOLDERS:
        for folder in [ROOT / name, *(ROOT / name).rglob("*/")]:
            files = [str(p.relative_to(ROOT)) for p in sorted(folder.glob("*")) if p.is_file()]
            if files and folder.name != "__pycache__":
                listed.append((f"share/coinfer_ros/{folder.relative_to(ROOT)}", files))
    return listed


setup(
    name="coinfer_ros",
    version=version(),
    description="Co-inference of one vision-language model by a robot and an edge box",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["coinfer_ros", "coinfer_ros.*"]),
    package_data={"coinfer_ros.evaluation.report": ["page.css", "page.html.j2"]},
    data_files=shared_files(),
    entry_points={"console_scripts": ["coinfer = coinfer_ros.tools.cli:main"]},
    install_requires=[
        "matplotlib>=3.8",
        "numpy>=1.26",
        "nvidia-ml-py>=12.535",
        "opencv-python>=4.8",
        "pyyaml>=6",
        "rich>=13",
        "rosbags>=0.10",
        "safetensors>=0.4",
        "scipy>=1.11",
        "torch>=2.4",
        "transformers>=5.20",
    ],
    extras_require={
        "evaluation": [
            "cvxpy>=1.6",
            "gymnasium>=1.0",
            "jinja2>=3.1",
            "pycocoevalcap>=1.2",
            "stable-baselines3>=2.4",
        ],
        "runtimes": ["onnx>=1.18", "onnxruntime>=1.20", "openvino>=2025.0"],
        "simulation": ["mujoco>=3.3"],
        "smolvlm": ["num2words>=0.5"],
    },
)
