# SPDX-License-Identifier: Apache-2.0
"""How fast and how true ViT-B/16 is on every kernel of this machine, and in other runtimes."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench import encoders, passes, runtimes
from bench.options import Options
from bench.passes import BASE, COLUMNS, Pass, Run
from bench.section import Section, verdict
from coinfer_ros.adapters.kernels import available

FASTER = 3.0
NARROW = "int8"


@passes.all_cores()
def measure(options: Options) -> Section:
    """Time the kernels in turn."""
    device = passes.device()
    image = encoders.pixels(seed=0).to(device)
    layers = options.layers(12)
    found = dict(_passes(device, image, layers))
    here = {name: one for name, one in found.items() if isinstance(one, Pass)}
    passes.time_in_turn(here, image, options.rounds(10, 1))
    wanted = passes.answer(here[BASE], image)
    for one in here.values():
        one.error = passes.distance(passes.answer(one, image), wanted)
        passes.energy(one, image)
    base_s = here[BASE].p50_s
    return Section(
        title=f"Kernels: ViT-B/16 at {encoders.SIDE} pixels, {_named(device)}",
        columns=COLUMNS,
        rows=tuple(
            passes.row(name, one, base_s)
            if isinstance(one, Pass)
            else (name, one, *[""] * (len(COLUMNS) - 2))
            for name, one in found.items()
        ),
        verdicts=tuple(_verdicts(here)) if device.type == "cpu" else (),
        reading=(
            f"One image, {torch.get_num_threads()} threads, random weights with outlier channels; "
            f"{passes.FRAMES} frames of each in turn, after one that does not count. Times as "
            "fast: as float32 in this run. Error: distance of the last hidden state from "
            "float32's, as a share of its size; with random weights errors grow over the layers "
            "as they would not in a trained model, so that they rank kernels and no more. Channels "
            "are balanced between activations and weights by what a gray image shows. J a "
            "frame: the driver's counter over 2 s of frames, idle power included."
        ),
    )


def _passes(
    device: torch.device, image: torch.Tensor, layers: int
) -> Iterator[tuple[str, Pass | str]]:
    encoder = encoders.split(encoders.vit_b(layers=layers))
    for kernel in reversed(available(device)):
        run, held = encoder.on(kernel, passes.around(kernel))
        yield kernel.name, Pass(run, held)
        if kernel.name == NARROW:
            plain, held = encoder.on(kernel, passes.around(kernel), balanced=False)
            yield f"{NARROW}, channels not balanced", Pass(plain, held)
        if device.type == "cuda":
            yield f"{kernel.name}, as a CUDA graph", _graphed(run, held, image)
    if device.type == "cpu":
        others = (runtimes.onnx_runtime, runtimes.openvino)
        for name, run in (
            pair for other in others for pair in other(encoders.vit_b(layers=layers), image)
        ):
            yield name, runtimes.NOT_INSTALLED if run is None else Pass(run)


def _graphed(run: Run, held: int, image: torch.Tensor) -> Pass | str:
    """Return the pass without the time between kernels' starts, or why there is none."""
    try:
        return Pass(encoders.graphed(run, image), held)
    except RuntimeError as error:  # a kernel that waits for the CPU cannot be recorded
        return str(error).splitlines()[0]


def _verdicts(here: dict[str, Pass]) -> Iterator[str]:
    if NARROW not in here:
        return
    ratio = here[BASE].p50_s / here[NARROW].p50_s
    yield verdict(
        f"{NARROW} at least {FASTER:g} times as fast as eager float32",
        met=ratio >= FASTER,
        seen=f"{ratio:.2f} times",
    )
    others = {name: one.p50_s for name, one in here.items() if f", {NARROW}" in name}
    if others:
        best = min(others, key=lambda name: others[name])
        yield verdict(
            f"{NARROW} not slower than the best of other runtimes in 8 bits",
            met=here[NARROW].p50_s <= others[best],
            seen=f"{here[NARROW].p50_s * 1e3:.0f} ms, {best} {others[best] * 1e3:.0f} ms",
        )


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
