# SPDX-License-Identifier: Apache-2.0
"""Writes the parts of sysfs and the device tree that machines show, under a folder of a test.

Layouts: Documentation/hwmon/ina3221.rst, Documentation/power/powercap/powercap.rst and
Documentation/ABI/testing/sysfs-class-power of Linux; NVIDIA's Jetson Linux Developer Guides r32,
r35, r36 and r38. Rails are those of the boards; what they show is made up but for its size.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

I2C = "sys/devices/platform/bus@0/c240000.i2c/i2c-1"


def put(root: Path, files: dict[str, object]) -> None:
    """Write files of one value each, with the line break that Linux puts."""
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")


def link(root: Path, name: str, target: str) -> None:
    """Make a relative symbolic link, as sysfs has them."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(root / target, path.parent))


def device_tree(root: Path, model: str, *compatible: str) -> None:
    """Write the board's name; strings end with NUL."""
    tree = root / "proc/device-tree"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(model.encode() + b"\0")
    (tree / "compatible").write_bytes(b"".join(text.encode() + b"\0" for text in compatible))


def hwmon(root: Path, number: int, driver: str, address: str, files: dict[str, object]) -> Path:
    """Write one chip of the kernel's hwmon class; return its folder."""
    folder = f"{I2C}/{address}/hwmon/hwmon{number}"
    put(root / folder, {"name": driver, **files})
    link(root, f"sys/class/hwmon/hwmon{number}", folder)
    link(root, f"sys/bus/i2c/drivers/{driver}/{address}", f"{I2C}/{address}")
    return root / folder


def ina3221(root: Path, number: int, address: str, *rails: tuple[str, int, int]) -> Path:
    """Write an INA3221 with its shunts and their sum.

    :param rails: label, mV and mA of each channel.
    """
    files: dict[str, object] = {"update_interval": 7, "in7_input": 1240}
    files["in7_label"] = "sum of shunt voltages"
    files["curr4_input"] = sum(milliampere for _, _, milliampere in rails)
    for channel, (label, millivolt, milliampere) in enumerate(rails, start=1):
        files[f"in{channel}_label"] = label
        files[f"in{channel}_enable"] = 1
        files[f"in{channel}_input"] = millivolt
        files[f"curr{channel}_input"] = milliampere
        files[f"in{channel + 3}_input"] = 2 * milliampere
        files[f"shunt{channel}_resistor"] = 2000
    return hwmon(root, number, "ina3221", address, files)


def iio(root: Path, number: int, address: str, *rails: tuple[str, int, int, int]) -> Path:
    """Write an INA3221 as NVIDIA's driver of JetPack 4 shows it.

    :param rails: name, mV, mA and mW of each channel.
    """
    folder = f"sys/bus/i2c/drivers/ina3221x/{address}/iio:device{number}"
    for channel, (name, millivolt, milliampere, milliwatt) in enumerate(rails):
        put(
            root / folder,
            {
                f"rail_name_{channel}": name,
                f"in_voltage{channel}_input": millivolt,
                f"in_current{channel}_input": milliampere,
                f"in_power{channel}_input": milliwatt,
            },
        )
    return root / folder


def thermal(root: Path, **celsius: float) -> None:
    """Write thermal zones; ``_`` in a name stands for ``-``."""
    for number, (name, value) in enumerate(celsius.items()):
        zone = f"sys/class/thermal/thermal_zone{number}"
        put(root / zone, {"type": name.replace("_", "-"), "temp": round(1000 * value)})


def jetson_orin(root: Path) -> None:
    """Write a Jetson AGX Orin with JetPack 6: total 12.4 W, memory included."""
    names = ("nvidia,p3737-0000+p3701-0005", "nvidia,p3701-0005", "nvidia,tegra234")
    device_tree(root, "NVIDIA Jetson AGX Orin Developer Kit", *names)
    rails = ("VDD_GPU_SOC", 20000, 160), ("VDD_CPU_CV", 20000, 220), ("VIN_SYS_5V0", 5000, 960)
    ina3221(root, 1, "1-0040", *rails)
    ina3221(root, 2, "1-0041", ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 5000, 200), ("NC", 0, 0))
    hwmon(root, 0, "tmp451", "9-004c", {"temp1_input": 44000})
    thermal(root, cpu_thermal=47.5, gpu_thermal=43.25, tj_thermal=48.0)
    put(root, {"sys/devices/platform/bus@0/17000000.gpu/load": 731})


def jetson_orin_nano(root: Path) -> None:
    """Write a Jetson Orin Nano with JetPack 5: total 6 W."""
    names = ("nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234")
    device_tree(root, "NVIDIA Orin Nano Developer Kit", *names)
    rails = ("VDD_IN", 5000, 1200), ("VDD_CPU_GPU_CV", 5000, 320), ("VDD_SOC", 5000, 240)
    ina3221(root, 4, "1-0040", *rails)
    thermal(root, CPU_therm=50.0, GPU_therm=49.0)
    put(root, {"sys/devices/platform/gpu.0/load": 0})


def jetson_agx_xavier(root: Path) -> None:
    """Write a Jetson AGX Xavier with JetPack 5: total 7 W over six rails."""
    names = ("nvidia,p2972-0000", "nvidia,tegra194", "nvidia,p2822-0000+p2888-0001")
    device_tree(root, "Jetson-AGX", *names)
    ina3221(root, 1, "1-0040", ("GPU", 20000, 50), ("CPU", 20000, 75), ("SOC", 20000, 100))
    ina3221(root, 2, "1-0041", ("CV", 20000, 0), ("VDDRQ", 20000, 25), ("SYS5V", 5000, 400))


def jetson_thor(root: Path, *, label: str | None = "VIN") -> None:
    """Write a Jetson AGX Thor with JetPack 7: 21 W come in, 13 W reach the module."""
    names = ("nvidia,p3971-0089+p3834-0008", "nvidia,p3834-0008", "nvidia,tegra264")
    device_tree(root, "NVIDIA Jetson AGX Thor Developer Kit", *names)
    rails = ("VDD_GPU", 20000, -20), ("VDD_CPU_SOC_MSS", 20000, 320), ("VIN_SYS_5V0", 5000, 1400)
    ina3221(root, 4, "2-0040", *rails)
    files = {"power1_input": 21_000_000, "in1_input": 20_000, "curr1_input": 1050}
    hwmon(root, 5, "ina238", "2-0044", {**files, **({"label": label} if label else {})})
    thermal(root, cpu_thermal=53.7, soc012_thermal=55.1)
    asleep = root / "sys/class/thermal/thermal_zone9"
    put(asleep, {"type": "gpu-thermal"})
    (asleep / "temp").mkdir()  # it cannot be read while the GPU is off


def jetson_nano_jp4(root: Path) -> None:
    """Write a Jetson Nano with JetPack 4: total 2.875 W."""
    names = ("nvidia,p3449-0000-b00+p3448-0000-b00", "nvidia,jetson-nano", "nvidia,tegra210")
    device_tree(root, "NVIDIA Jetson Nano Developer Kit", *names)
    rails = ("POM_5V_IN", 5000, 575, 2875), ("POM_5V_GPU", 5000, 40, 200)
    iio(root, 0, "6-0040", *rails, ("POM_5V_CPU", 5000, 100, 500))
    thermal(root, AO_therm=45.0, CPU_therm=36.0, GPU_therm=34.5, PMIC_Die=100.0)
    put(root, {"sys/devices/gpu.0/load": 1000})


def jetson_tx2_jp4(root: Path) -> None:
    """Write a Jetson TX2 with JetPack 4: total 3.056 W, the carrier board besides."""
    device_tree(root, "quill", "nvidia,quill", "nvidia,tegra186")
    rails = ("VDD_SYS_GPU", 19000, 8, 152), ("VDD_SYS_SOC", 19000, 36, 687)
    iio(root, 0, "0-0040", *rails, ("VDD_4V0_WIFI", 4800, 0, 0))
    rails = ("VDD_IN", 19000, 161, 3056), ("VDD_SYS_CPU", 19000, 8, 152)
    iio(root, 1, "0-0041", *rails, ("VDD_SYS_DDR", 19000, 46, 883))
    iio(root, 2, "0-0042", ("VDD_MUX", 19000, 53, 1000), ("(null)", 0, 0, 0), ("NC", 0, 0, 0))
    thermal(root, BCPU_therm=40.0, MCPU_therm=41.5, Tboard_tegra=42.0)


def zone(root: Path, number: str, name: str, *, energy_j: float, range_j: float) -> Path:
    """Write one RAPL zone: ``0`` is a package, ``0:1`` a part of it; return its folder."""
    depth = number.split(":")
    above = [f"intel-rapl:{':'.join(depth[:n])}" for n in range(1, len(depth))]
    folder = "/".join(("sys/devices/virtual/powercap/intel-rapl", *above, f"intel-rapl:{number}"))
    energy = {"energy_uj": round(1e6 * energy_j), "max_energy_range_uj": round(1e6 * range_j)}
    put(root / folder, {"name": name, **energy})
    link(root, f"sys/class/powercap/intel-rapl:{number}", folder)
    return root / folder


def rapl(root: Path) -> None:
    """Write RAPL of an Intel server: two packages with memory, and the whole platform."""
    for package in (0, 1):
        zone(root, f"{package}", f"package-{package}", energy_j=1000.0, range_j=262143.328850)
        zone(root, f"{package}:0", "core", energy_j=500.0, range_j=262143.328850)
        zone(root, f"{package}:1", "dram", energy_j=100.0, range_j=65712.999613)
    zone(root, "2", "psys", energy_j=3000.0, range_j=262143.328850)


def rapl_amd(root: Path) -> None:
    """Write RAPL of an AMD desktop: one package, of which the cores are a part."""
    zone(root, "0", "package-0", energy_j=20.0, range_j=65532.610987)
    zone(root, "0:0", "core", energy_j=10.0, range_j=65532.610987)


def battery(root: Path, name: str = "BAT0", **files: object) -> Path:
    """Write a battery, by itself one that gives 9.5 W; None for a file leaves it out."""
    shown = {"type": "Battery", "present": 1, "status": "Discharging", "power_now": 9_500_000}
    shown = {**shown, "voltage_now": 11_400_000, **files}
    folder = root / "sys/class/power_supply" / name
    put(folder, {file: value for file, value in shown.items() if value is not None})
    return folder


def refusal(root: Path, open_sensor: Callable[[Path], object]) -> str:
    """Return type and text of the error with which a sensor refuses a user without any right.

    Root may read everything, so a child opens it that has become nobody; from within the folder,
    for nobody may not come there from above.
    """
    root.chmod(0o755)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "no error"
        try:
            os.chdir(root)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            open_sensor(Path())
        except Exception as error:  # whatever it is, the parent shall see it
            text = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read()
