# SPDX-License-Identifier: Apache-2.0
"""GPUs that are not there, behind NVML's own C interface, for tests of all that uses NVML.

Programs under test load the library as any other: this process because it is already loaded under
its name, ``libnvidia-ml.so.1``; a child through ``LD_LIBRARY_PATH``. Its GPUs live in a file that
all processes share, so that a locked clock outlives the process that locked it::

    from .fake_nvml import FakeNvml  # test/nodes: from ..adapters.devices.fake_nvml import FakeNvml

    @pytest.fixture
    def nvml(tmp_path):
        with FakeNvml(tmp_path) as fake:
            yield fake

    def test_a_killed_process_leaves_its_lock(nvml):
        nvml.change(load=0.5)           # of GPU 0; settles the energy counter first
        nvml.die_in(1, of="nvmlDeviceResetGpuLockedClocks")
        subprocess.run([sys.executable, "-c", PROGRAM], env=nvml.environment())
        assert nvml.gpu().locked_mhz == 1005
"""

from __future__ import annotations

from .gpu import ODD, FakeNvml, GpuState

__all__ = ["ODD", "FakeNvml", "GpuState"]
