# SPDX-License-Identifier: Apache-2.0
"""How long one image takes in BLIP-2's encoder of a billion weights, on every kernel."""

from __future__ import annotations

import torch

from bench import encoders, passes
from bench.options import Options
from bench.passes import BASE, COLUMNS, Pass
from bench.section import Section
from coinfer_ros.adapters.kernels import available


@passes.all_cores()
def measure(options: Options) -> Section:
    """Time the kernels one after another: all at once would not fit into memory."""
    device = passes.device()
    encoder = encoders.split(encoders.vit_g(layers=options.layers(39)))
    image = encoders.pixels(seed=0).to(device)
    done: dict[str, Pass] = {}
    wanted = torch.empty(0)
    for kernel in reversed(available(device)):
        run, held = encoder.on(kernel, passes.around(kernel))
        one = Pass(run, held)
        passes.time_in_turn({kernel.name: one}, image, options.rounds(3, 1))
        found = passes.answer(one, image)
        wanted = found if kernel.name == BASE else wanted
        one.error = passes.distance(found, wanted)
        passes.energy(one, image)
        done[kernel.name] = Pass(_gone, held, one.seconds, one.error, one.frame_j)
        del one, run
    return Section(
        title=f"Kernels: BLIP-2's ViT-g/14 at {encoders.SIDE} pixels, {device.type}",
        columns=COLUMNS,
        rows=tuple(passes.row(name, one, done[BASE].p50_s) for name, one in done.items()),
        reading=(
            f"{encoder.weights / 1e9:.2f} billion random weights in linear layers, 257 tokens, "
            f"{torch.get_num_threads()} threads, one kernel after another. Columns as above."
        ),
    )


def _gone(_image: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("this encoder was freed to make room for the next")
