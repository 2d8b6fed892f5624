# SPDX-License-Identifier: Apache-2.0
"""Where NVIDIA's Triton is installed: it serves the tail, and says what the tail says."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import numpy as np
import pytest

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.adapters.engines.triton_repository import write_repository
from coinfer_ros.core.errors import InvalidInput, Unavailable

SHIPPED = Path(__file__).parents[3] / "models" / "git-scenes"
BEGIN_S = 90.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("tritonserver"), reason="needs NVIDIA's tritonserver in PATH"
    ),
]


class Triton:
    """Triton with the shipped model and this Python's libraries."""

    def __init__(self, folder: Path) -> None:
        write_repository(folder / "repository", SHIPPED, device="cpu")
        self.url = f"kserve://127.0.0.1:{_free_port()}/git-scenes"
        self._memory = f"coinfer{os.getpid()}"
        self._log, self._environment = folder / "log", _environment(folder / "venv")
        self.start()

    def start(self) -> None:
        address = self.url.split("/")[2]
        command = ["tritonserver", "--model-repository", str(self._log.parent / "repository")]
        command += ["--http-address", "127.0.0.1", "--http-port", address.split(":")[1]]
        command += ["--allow-grpc", "false", "--allow-metrics", "false"]
        command += ["--backend-config", f"python,shm-region-prefix-name={self._memory}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End the server and the backend's process at once; the latter may outlive a server."""
        with contextlib.suppress(ProcessLookupError):  # it can have ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self.kill()
        for left in Path("/dev/shm").glob(f"{self._memory}*"):  # noqa: S108 (Triton's own choice)
            left.unlink()

    def wait_for(self, attempt):
        """Return what an attempt returns as soon as Triton serves."""
        end_s = time.monotonic() + BEGIN_S
        while time.monotonic() < end_s and self._process.poll() is None:
            try:
                return attempt()
            except Unavailable:
                time.sleep(0.2)
        pytest.fail(self._log.read_text(errors="replace")[-3000:])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _environment(folder: Path) -> dict[str, str]:
    """Return variables by which the backend's interpreter finds what this one has.

    It may be isolated, and then reads no PYTHONPATH; but it finds an environment in PATH.
    """
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "these.pth").write_text("\n".join(str(Path(entry).resolve()) for entry in sys.path))
    libraries = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": ":".join(libraries),
    }


@pytest.fixture
def triton(tmp_path):
    running = Triton(tmp_path)
    yield running
    running.stop()


def test_triton_says_what_the_tail_says_also_after_it_was_killed(triton):
    from coinfer_ros.adapters import models

    tail = models.open_tail(SHIPPED, device="cpu")
    rng = np.random.default_rng(6)
    embeddings = list(rng.standard_normal((9, *tail.info.embedding_shape)).astype(np.float32))
    prompts = ["", "a red", "a"] * 3
    expected = [tail.answer(*pair) for pair in zip(embeddings, prompts, strict=True)]
    served = triton.wait_for(lambda: open_engine(triton.url, tail.info, timeout_s=20.0))
    assert served.backend == f"triton git-scenes at {triton.url.split('/')[2]}"
    assert served.answer_many(embeddings, prompts) == expected
    assert [served.answer(*pair) for pair in zip(embeddings, prompts, strict=True)] == expected
    with pytest.raises(InvalidInput, match=r"status 400: prompt must have at most \d+ tokens"):
        served.answer(embeddings[0], "red " * 2000)
    other = models.describe(SHIPPED, cut="block1")
    with pytest.raises(InvalidInput, match="cut must be block1, got 'visual_projection'"):
        open_engine(triton.url, other, timeout_s=20.0)
    triton.kill()
    with pytest.raises(Unavailable):
        served.answer(embeddings[0], "")
    triton.start()
    assert triton.wait_for(lambda: served.answer(embeddings[1], "a red")) == expected[1]
