# SPDX-License-Identifier: Apache-2.0
"""A machine is named by its firmware, else its CPU; its power mode is a Jetson's, else Linux's."""

from __future__ import annotations

import platform

from coinfer_ros.adapters import this_machine

# An x86-64 server's, shortened; a Jetson's files end with a NUL or a line break.
CPUINFO = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu vme\n"


def identify(root, *, board=""):
    return this_machine.identify(backend="none", board=board, root=root)


def put(root, name, text):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_server_is_named_by_its_cpu(tmp_path):
    put(tmp_path, "proc/cpuinfo", CPUINFO)
    put(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n")
    found = identify(tmp_path)
    assert (found.processor, found.mode) == ("Intel(R) Xeon(R) Processor", "performance")


def test_a_jetson_is_named_by_its_firmware_and_has_its_own_power_modes(tmp_path):
    put(tmp_path, "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n")
    put(tmp_path, "proc/device-tree/model", "NVIDIA Jetson AGX Orin Developer Kit\0")
    put(tmp_path, "var/lib/nvpmodel/status", "pmode:0003 fmode:quiet\n")
    put(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
    found = identify(tmp_path)
    assert found.processor == "NVIDIA Jetson AGX Orin Developer Kit"
    assert found.mode == "pmode:0003 fmode:quiet"


def test_what_the_system_does_not_tell_is_left_empty_and_a_simulated_board_is_the_mode(tmp_path):
    assert identify(tmp_path).processor == platform.machine()
    assert identify(tmp_path).mode == ""
    assert identify(tmp_path, board="rtx_3090").mode == "rtx_3090"
