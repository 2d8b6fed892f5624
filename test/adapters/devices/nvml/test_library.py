# SPDX-License-Identifier: Apache-2.0
"""NVML is opened once, its errors become ours, and a GPU that was lost is found again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pynvml
import pytest

from coinfer_ros.adapters.devices.nvml import NvmlClock, NvmlSensor, gpus
from coinfer_ros.adapters.devices.nvml.gpu import OpenGpu
from coinfer_ros.adapters.devices.permission import NVML_REMEDY
from coinfer_ros.core.errors import (
    CoinferError,
    InvalidInput,
    NotPermitted,
    Unavailable,
    Unsupported,
)

from ..fake_nvml import FakeNvml

CODES = sorted(pynvml.NVMLError._valClassMapping)
ASKING = "from coinfer_ros.adapters.devices.nvml import gpus; gpus()"


@pytest.fixture
def nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path, gpus=2) as fake:
        yield fake


def child(program: str, environment: dict[str, str]) -> str:
    """Run a program that must fail, and return the last line of its complaint."""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended
    return ended.stderr.splitlines()[-1]


def test_pynvml_uses_the_fake_library_that_is_loaded_under_its_name(nvml: FakeNvml) -> None:
    gpus()
    maps = Path("/proc/self/maps").read_text().splitlines()
    files = {line.split()[-1] for line in maps if "libnvidia-ml" in line}
    assert len(files) == 1
    assert nvml.calls()["nvmlInitWithFlags"] == 1


def test_importing_it_loads_nothing_of_nvml() -> None:
    program = "import sys, coinfer_ros.adapters.devices.nvml; sys.exit('pynvml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_all_gpus_are_listed_with_name_uuid_and_mig(nvml: FakeNvml) -> None:
    nvml.gpu(1).mig = 1
    first, second = gpus()
    assert (first.index, first.name) == (0, "NVIDIA H100 80GB HBM3")
    assert (first.mig, second.mig) == (False, True)
    assert first.uuid.startswith("GPU-")
    assert first.uuid != second.uuid
    assert (first.fault, second.fault) == ("", "")


def test_a_gpu_without_mig_is_no_fault(nvml: FakeNvml) -> None:
    nvml.gpu().mig = -1
    assert not gpus()[0].mig


def test_a_lost_gpu_does_not_hide_the_others(nvml: FakeNvml) -> None:
    nvml.lose(0)
    first, second = gpus()
    assert "fallen off the bus" in first.fault
    assert second.fault == ""


@pytest.mark.usefixtures("nvml")
def test_an_index_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(Unavailable, match=r"index must be one of 0, 1, got 2"):
        OpenGpu(2)


def test_a_machine_without_gpus_says_so(nvml: FakeNvml) -> None:
    nvml.world.gpus = 0
    assert gpus() == ()
    with pytest.raises(Unavailable, match="none is here"):
        OpenGpu(0)


@pytest.mark.parametrize("index", [-1, 1.0, True, "0"])
def test_what_is_no_index_is_bad_input(index: object) -> None:
    with pytest.raises(InvalidInput, match="index must be a whole number"):
        OpenGpu(index)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, Unavailable, "modprobe nvidia"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, Unavailable, "different versions"),
        (pynvml.NVML_ERROR_NO_PERMISSION, NotPermitted, NVML_REMEDY),
        (pynvml.NVML_ERROR_OPERATING_SYSTEM, NotPermitted, "--gpus all"),
    ],
)
def test_nvml_that_does_not_start_says_why_and_may_start_later(
    nvml: FakeNvml, code: int, error: type[CoinferError], words: str
) -> None:
    nvml.world.init_error = code
    for start in (gpus, NvmlSensor, NvmlClock):
        with pytest.raises(error) as caught:
            start()
        assert words in str(caught.value)
    nvml.world.init_error = 0
    assert len(gpus()) == 2


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (pynvml.NVML_ERROR_NOT_SUPPORTED, Unsupported, "does not support"),
        (pynvml.NVML_ERROR_FUNCTION_NOT_FOUND, Unsupported, "newer NVIDIA driver"),
        (pynvml.NVML_ERROR_NO_PERMISSION, NotPermitted, NVML_REMEDY),
        (pynvml.NVML_ERROR_GPU_IS_LOST, Unavailable, "Xid"),
        (pynvml.NVML_ERROR_RESET_REQUIRED, Unavailable, "--gpu-reset"),
        (pynvml.NVML_ERROR_UNKNOWN, Unavailable, "Unknown Error"),
        (777, Unavailable, "777"),
    ],
)
def test_an_error_becomes_ours_with_cause_and_remedy(
    nvml: FakeNvml, code: int, error: type[CoinferError], words: str
) -> None:
    gpu = OpenGpu(0)
    nvml.fail("nvmlDeviceGetPowerUsage", code)
    with pytest.raises(error) as caught:
        gpu.ask("nvmlDeviceGetPowerUsage")
    assert words in str(caught.value)
    assert "nvmlDeviceGetPowerUsage of GPU 0 (NVIDIA H100" in str(caught.value)
    gpu.close()


@pytest.mark.parametrize("code", CODES)
def test_every_error_that_nvml_knows_becomes_ours(nvml: FakeNvml, code: int) -> None:
    gpu = OpenGpu(0)
    nvml.fail("nvmlDeviceGetPowerUsage", code)
    with pytest.raises(CoinferError, match=r".+: .+; .+"):
        gpu.ask("nvmlDeviceGetPowerUsage")
    nvml.fail("nvmlDeviceGetPowerUsage", 0)
    assert gpu.ask("nvmlDeviceGetPowerUsage") == 70_000  # mW
    gpu.close()


@pytest.mark.usefixtures("nvml")
def test_a_function_that_pynvml_lacks_is_unsupported() -> None:
    gpu = OpenGpu(0)
    with pytest.raises(Unsupported, match="pip install -U nvidia-ml-py"):
        gpu.ask("nvmlDeviceGetWhatNobodyHas")
    gpu.close()


def test_a_library_that_cannot_be_loaded_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"")
    complaint = child(ASKING, {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)})
    assert "Unavailable: NVML: libnvidia-ml.so.1 is not found" in complaint
    assert "install the NVIDIA driver" in complaint


def test_without_the_binding_the_remedy_is_its_package() -> None:
    complaint = child(f"import sys; sys.modules['pynvml'] = None; {ASKING}", dict(os.environ))
    assert "pip install nvidia-ml-py" in complaint


def test_nvml_is_initialised_once_and_shut_down_with_its_last_user(nvml: FakeNvml) -> None:
    users: list[NvmlSensor | NvmlClock] = [NvmlSensor(0), NvmlClock(0), NvmlSensor(1)]
    assert nvml.calls()["nvmlInitWithFlags"] == 1
    for user in users:
        assert "nvmlShutdown" not in nvml.calls()
        user.close()
        user.close()
    assert nvml.calls()["nvmlShutdown"] == 1


def test_a_lost_gpu_is_found_again_by_its_uuid_whatever_its_index(nvml: FakeNvml) -> None:
    gpu, other = OpenGpu(0), OpenGpu(1)
    nvml.lose(0)
    for _ in range(2):
        with pytest.raises(Unavailable, match="fallen off the bus"):
            gpu.ask("nvmlDeviceGetUUID")
    assert other.ask("nvmlDeviceGetUUID") == other.gpu.uuid
    nvml.give_back(0)
    nvml.gpu(0).uuid, nvml.gpu(1).uuid = nvml.gpu(1).uuid, nvml.gpu(0).uuid
    assert gpu.ask("nvmlDeviceGetUUID") == gpu.gpu.uuid
    starts = nvml.calls()["nvmlInitWithFlags"]
    assert gpu.ask("nvmlDeviceGetUUID") == gpu.gpu.uuid
    assert nvml.calls()["nvmlInitWithFlags"] == starts
    nvml.world.gpus = 1  # the one that was index 0 is not there after a restart of NVML
    nvml.world.epoch += 1
    for _ in range(2):
        with pytest.raises(Unavailable):
            gpu.ask("nvmlDeviceGetUUID")
    gpu.close()
    other.close()


def test_a_gpu_that_returned_can_be_opened_while_others_hold_nvml_open(nvml: FakeNvml) -> None:
    nvml.world.gpus = 1
    other = OpenGpu(0)
    nvml.world.gpus = 2
    nvml.give_back(1)
    gpu = OpenGpu(1)
    assert gpu.ask("nvmlDeviceGetUUID") == gpu.gpu.uuid
    gpu.close()
    other.close()


def test_nvml_that_fails_to_restart_is_tried_again(nvml: FakeNvml) -> None:
    gpu = OpenGpu(0)
    nvml.reload_driver()
    nvml.world.init_error = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    with pytest.raises(Unavailable, match="fallen off the bus"):
        gpu.ask("nvmlDeviceGetUUID")
    with pytest.raises(Unavailable, match="not loaded"):
        gpu.ask("nvmlDeviceGetUUID")
    with pytest.raises(Unavailable, match="not loaded"):
        OpenGpu(1)
    nvml.world.init_error = 0
    assert len(gpus()) == 2
    assert gpu.ask("nvmlDeviceGetUUID") == gpu.gpu.uuid
    gpu.close()


@pytest.mark.usefixtures("nvml")
def test_a_closed_gpu_answers_no_more() -> None:
    gpu = OpenGpu(0)
    gpu.close()
    with pytest.raises(Unavailable, match="closed"):
        gpu.ask("nvmlDeviceGetUUID")


def test_threads_find_their_gpus_again_while_one_flaps(nvml: FakeNvml) -> None:
    opened = [OpenGpu(0), OpenGpu(1)]
    wrong: list[object] = []
    flapping = threading.Event()
    flapping.set()

    def ask(gpu: OpenGpu) -> None:
        while flapping.is_set():
            try:
                if gpu.ask("nvmlDeviceGetUUID") != gpu.gpu.uuid:
                    wrong.append(gpu.gpu.uuid)
            except Unavailable:
                pass
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask, args=(gpu,)) for gpu in opened * 2]
    for thread in threads:
        thread.start()
    for _ in range(100):
        nvml.lose(0)
        nvml.give_back(0)
    flapping.clear()
    for thread in threads:
        thread.join()
    assert wrong == []
    for gpu in opened:
        with suppress(Unavailable):  # the newest loss may not have been noticed yet
            gpu.ask("nvmlDeviceGetUUID")
    assert [gpu.ask("nvmlDeviceGetUUID") for gpu in opened] == [gpu.gpu.uuid for gpu in opened]
    for gpu in opened:
        gpu.close()
