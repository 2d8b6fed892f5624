import json, sys, time
import numpy as np, torch
from pathlib import Path
from coinfer_ros.adapters.models import open_head, open_tail
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.models.processing import generation_config
from coinfer_ros.adapters.kernels import available
from coinfer_ros.tools.held_out import EXAMPLES
from transformers import AutoModelForCausalLM
dev = "cuda" if torch.cuda.is_available() else "cpu"
folder = Path("models/git-scenes")
shown = [EXAMPLES["git-scenes"](i, 256) for i in range(20)]
cpu = open_head(folder, device="cpu", kernel="float32")
base = [cpu.embed(e.image) for e in shown]
opened = open_model(folder)
whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().to(dev)
how = generation_config(opened.checkpoint, max_new_tokens=20)
tail = open_tail(folder, device=dev, max_new_tokens=20)
print("device", dev, torch.cuda.get_device_name() if dev == "cuda" else "", "tail", tail.backend)
same = 0
head = open_head(folder, device=dev, kernel="float32")
for e in shown:
    inputs = {k: v.to(dev) for k, v in (opened.processing.inputs("") | opened.processing.image_inputs(e.image[None])).items()}
    ids = whole.generate(**inputs, generation_config=how)[0, 1:]
    same += opened.processing.tokenizer.decode(ids, skip_special_tokens=True).strip() == tail.answer(head.embed(e.image), "").text
print("split says what whole says:", same, "of", len(shown))
for kernel in available(dev):
    head = open_head(folder, device=dev, kernel=kernel.name, bits=min(16, kernel.bits))
    for bits in (16, 8, 4):
        if bits > kernel.bits:
            continue
        weights = head.prepare(bits); head.use(weights)
        found = [head.embed(e.image) for e in shown]
        error = np.mean([np.abs(f - b).sum() / np.abs(b).sum() for f, b in zip(found, base)])
        right = np.mean([tail.answer(f, "").text in e.captions for f, e in zip(found, shown)])
        print(f"{kernel.name} {bits} bits: backend {head.backend!r} embedding error {error:.4f} right {right:.2f} rate*distortion {head.weight_rate * weights.distortion:.4f}")
half = open_tail(folder, device=dev, precision="bfloat16" , max_new_tokens=20)
print("tail", half.backend, np.mean([half.answer(b, "").text in e.captions for b, e in zip(base, shown)]))
