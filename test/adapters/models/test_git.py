# SPDX-License-Identifier: Apache-2.0
"""A GIT cut in two says what the whole one says, whichever way its checkpoint was written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.git.configuration_git import GitConfig
from transformers.models.git.modeling_git import GitForCausalLM

from coinfer_ros.adapters.models import (
    LanguageTail,
    VisionHead,
    describe,
    open_head,
    open_tail,
)
from coinfer_ros.core.errors import CoinferError, InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.model import WEIGHT_BITS, HeadWeights
from coinfer_ros.core.quantizers import nested

pytestmark = pytest.mark.slow  # a model is built for each: some seconds

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz")
# As microsoft's checkpoints spell it: values that newer versions of the library dropped.
OLD_CONFIG = {"position_embedding_type": "absolute", "torch_dtype": "float32", "top_k": 50}


def config(**changes: object) -> GitConfig:
    values: dict[str, object] = {
        "vision_config": {
            "hidden_size": 24,
            "intermediate_size": 40,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 16,
            "initializer_range": 0.3,
        },
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 48,
        "initializer_range": 0.3,
        "bos_token_id": 2,
        "eos_token_id": 3,
    }
    return GitConfig(**{**values, **changes})


def save(folder: Path, settings: GitConfig, seed: int = 1) -> Path:
    torch.manual_seed(seed)
    model = GitForCausalLM(settings)
    for parameter in model.parameters():  # temporal embeddings and biases start at nought
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    BertTokenizer(vocab={w: i for i, w in enumerate(WORDS)}).save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    return folder


def write_as_transformers_4_did(folder: Path) -> None:
    """Counters among the weights, plain numbers for sizes, values since dropped, vocab.txt."""
    weights = load_file(folder / "model.safetensors")
    weights["git.embeddings.position_ids"] = torch.arange(48).expand((1, -1)).contiguous()
    weights["git.image_encoder.vision_model.embeddings.position_ids"] = torch.arange(5)[None]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    settings.pop("dtype", None)
    settings |= OLD_CONFIG
    settings["vision_config"] |= {**OLD_CONFIG, "projection_dim": 512, "dropout": 0.0}
    (folder / "config.json").write_text(json.dumps(settings))
    images = json.loads((folder / "preprocessor_config.json").read_text())
    images |= {"size": 32, "crop_size": 32, "feature_extractor_type": "CLIPFeatureExtractor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    )


def write_in_shards(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    place = {}
    for part, chosen in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-0000{part}-of-00002.safetensors"
        save_file({name: weights[name] for name in chosen}, folder / file)
        place |= dict.fromkeys(chosen, file)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 1}, "weight_map": place})
    )
    (folder / "model.safetensors").unlink()


def write_as_float16(folder: Path) -> None:
    weights = {n: t.half() for n, t in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors")


def leave_as_it_is(_folder: Path) -> None:
    pass


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("git"), config())


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "git"))


@pytest.fixture(scope="module")
def head(original: Path) -> VisionHead:
    return open_head(original, kernel="float32")


@pytest.fixture(scope="module")
def tail(original: Path) -> LanguageTail:
    return open_tail(original, max_new_tokens=12)


def picture(seed: int = 0, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def used(head: VisionHead, bits: int) -> dict[str, torch.Tensor]:
    """Return the weights (float32) that a head really computes with."""
    return {
        name: weights.data if isinstance(weights, torch.Tensor) else weights.weight()
        for name, weights in head.prepare(bits).tensors.items()
    }


def whole_model(folder: Path, head: VisionHead | None = None) -> GitForCausalLM:
    """Return the unsplit model, in float32, with a head's quantized weights if given."""
    model = GitForCausalLM.from_pretrained(folder).float().eval()
    if head is not None:
        for name, weights in used(head, head.bits).items():
            model.get_parameter(name).data = weights
    return model


def whole_answer(model: GitForCausalLM, folder: Path, image: np.ndarray) -> tuple[str, int]:
    shown = CLIPImageProcessorPil.from_pretrained(folder)(image, return_tensors="pt").pixel_values
    count = model.config.num_image_with_embedding
    pixels = shown if count is None else shown[:, None].repeat(1, count, 1, 1, 1)
    ids = model.generate(
        input_ids=torch.tensor([[2]]), pixel_values=pixels, max_new_tokens=12, max_length=None
    )[0, 1:]
    words = [WORDS[i] for i in ids if i > 4]
    return " ".join(words), len(ids)


@pytest.mark.parametrize(
    "rewrite",
    [leave_as_it_is, write_as_transformers_4_did, write_in_shards, write_as_float16],
)
@pytest.mark.parametrize("bits", [16, 4])
def test_the_halves_say_what_the_whole_says(
    folder: Path, rewrite: Callable[[Path], None], bits: int
) -> None:
    rewrite(folder)
    head = open_head(folder, kernel="float32")
    tail = open_tail(folder, max_new_tokens=12)
    head.use(head.prepare(bits))
    model = whole_model(folder, head)
    for seed in range(4):
        image = picture(seed)
        split = tail.answer(head.embed(image), "")
        assert (split.text, split.tokens) == whole_answer(model, folder, image)


def test_at_16_bits_the_halves_say_what_the_unquantized_whole_says(
    original: Path, head: VisionHead, tail: LanguageTail
) -> None:
    model = whole_model(original)
    answers = [tail.answer(head.embed(picture(seed)), "") for seed in range(8)]
    assert [(a.text, a.tokens) for a in answers] == [
        whole_answer(model, original, picture(seed)) for seed in range(8)
    ]
    assert len({a.text for a in answers}) > 1, "a model that says one thing only tests nothing"


def test_a_video_checkpoint_sees_one_image_as_all_its_frames(tmp_path: Path) -> None:
    folder = save(tmp_path / "video", config(num_image_with_embedding=3))
    images = json.loads((folder / "preprocessor_config.json").read_text())
    images["image_processor_type"] = "VideoMAEImageProcessor"  # as video ones do
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    head = open_head(folder, kernel="float32")
    tail = open_tail(folder, max_new_tokens=12)
    image = picture()
    embedding = head.embed(image)
    assert embedding.shape == head.info.embedding_shape == (3 * 5, 32)
    split = tail.answer(embedding, "")
    assert (split.text, split.tokens) == whole_answer(whole_model(folder, head), folder, image)
    np.testing.assert_array_equal(head.embed(np.stack([image] * 3)), embedding)
    assert (head.embed(np.stack([image, image, picture(1)])) != embedding).any()


def test_a_tied_output_needs_no_tensor_of_its_own(tmp_path: Path) -> None:
    folder = save(tmp_path / "tied", config(tie_word_embeddings=True))
    weights = load_file(folder / "model.safetensors")
    weights.pop("output.weight", None)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    head = open_head(folder, kernel="float32")
    tail = open_tail(folder, max_new_tokens=12)
    split = tail.answer(head.embed(picture()), "")
    expected = whole_answer(whole_model(folder, head), folder, picture())
    assert (split.text, split.tokens) == expected


def test_an_answer_continues_its_prompt(
    original: Path, head: VisionHead, tail: LanguageTail
) -> None:
    embedding = head.embed(picture())
    model = whole_model(original, head)
    pixels = CLIPImageProcessorPil.from_pretrained(original)(
        picture(), return_tensors="pt"
    ).pixel_values
    prompt = torch.tensor([[2, WORDS.index("q"), WORDS.index("r")]])
    ids = model.generate(input_ids=prompt, pixel_values=pixels, max_new_tokens=12, max_length=None)[
        0, 3:
    ]
    assert tail.answer(embedding, "q R").text == " ".join(WORDS[i] for i in ids if i > 4)


def test_each_half_holds_its_own_weights_and_no_other(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    total = sum(tensor.numel() for tensor in weights.values())
    info = describe(folder)
    assert info.head_parameters + info.tail_parameters == total
    for name in weights:
        if "image_encoder" in name:
            weights[name].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors")
    open_tail(folder)
    with pytest.raises(InvalidInput, match=r"model\.path must hold finite weights"):
        open_head(folder)


def test_both_halves_and_describe_agree_on_the_model(
    original: Path, head: VisionHead, tail: LanguageTail
) -> None:
    assert head.info == tail.info == describe(original)


def test_another_weight_or_setting_is_another_fingerprint(folder: Path) -> None:
    seen = {describe(folder).fingerprint}
    weights = load_file(folder / "model.safetensors")
    for name in ("output.bias", "git.image_encoder.vision_model.embeddings.class_embedding"):
        weights[name][0] += 1.0
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        seen.add(describe(folder).fingerprint)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "layer_norm_eps": 1e-6}))
    seen.add(describe(folder).fingerprint)
    assert len(seen) == 4


@pytest.mark.parametrize("bits", WEIGHT_BITS)
def test_what_is_computed_with_is_the_top_of_one_stored_code(
    original: Path, head: VisionHead, bits: int
) -> None:
    stored = load_file(original / "model.safetensors")
    errors = []
    for name, tensor in used(head, bits).items():
        weights = stored[name].numpy()
        expected = weights if bits == 16 else nested.decode(nested.encode(weights), bits)
        np.testing.assert_array_equal(tensor.numpy(), expected)
        errors.append(np.abs(weights.astype(np.float64) - expected).ravel())
    prepared = head.prepare(bits)
    assert prepared.bits == bits
    assert prepared.backend == "float32"
    assert prepared.distortion == pytest.approx(np.concatenate(errors).mean(), rel=1e-6)


def test_matrices_and_kernels_are_quantized_norms_and_biases_are_not(head: VisionHead) -> None:
    names = set(head.prepare(4).tensors)
    assert "git.image_encoder.vision_model.embeddings.patch_embedding.weight" in names
    assert "git.image_encoder.vision_model.embeddings.position_embedding.weight" in names
    assert "git.visual_projection.visual_projection.0.weight" in names
    assert not any("norm" in name or name.endswith("bias") for name in names)
    assert "git.visual_projection.visual_projection.1.weight" not in names


def test_the_weight_rate_is_the_reciprocal_of_the_mean_magnitude(
    original: Path, head: VisionHead
) -> None:
    stored = load_file(original / "model.safetensors")
    values = np.concatenate([stored[name].numpy().ravel() for name in head.prepare(2).tensors])
    assert head.weight_rate == pytest.approx(1 / np.abs(values.astype(np.float64)).mean())


def test_every_width_comes_from_the_master_not_from_the_one_before(original: Path) -> None:
    head, fresh = open_head(original), open_head(original)
    assert head.bits == 16
    before = head.embed(picture())
    head.use(head.prepare(2))
    assert head.bits == 2
    assert (head.embed(picture()) != before).any()
    head.use(head.prepare(16))
    np.testing.assert_array_equal(head.embed(picture()), before)
    np.testing.assert_array_equal(fresh.embed(picture()), before)


def test_preparing_in_another_thread_leaves_a_running_head_alone(original: Path) -> None:
    head = open_head(original)
    before = head.embed(picture())
    with ThreadPoolExecutor(1) as pool:
        prepared = pool.submit(lambda: [head.prepare(bits) for bits in WEIGHT_BITS])
        while not prepared.done():
            np.testing.assert_array_equal(head.embed(picture()), before)
    assert [weights.bits for weights in prepared.result()] == list(WEIGHT_BITS)


@pytest.mark.parametrize("bits", [0, 1, 9, 32, True, 4.5, "4", None])
def test_a_bit_width_that_nobody_offers_is_refused(head: VisionHead, bits: object) -> None:
    with pytest.raises(InvalidInput, match="bits must be one of 2, 3, 4, 5, 6, 7, 8, 16, got"):
        head.prepare(bits)  # type: ignore[arg-type]


def test_another_model_s_weights_are_refused(head: VisionHead) -> None:
    with pytest.raises(InvalidInput, match="weights must be prepared by this model"):
        head.use(HeadWeights(bits=4, backend="float32", distortion=0.0, tensors={}))


@pytest.mark.parametrize(
    "image",
    [
        None,
        [[[0, 0, 0]]],
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(head: VisionHead, image: object) -> None:
    with pytest.raises(InvalidInput, match="image must be RGB uint8"):
        head.embed(image)  # type: ignore[arg-type]


def test_an_image_larger_than_any_camera_s_is_refused(head: VisionHead) -> None:
    huge = np.broadcast_to(np.uint8(0), (8001, 8000, 3))
    with pytest.raises(InvalidInput, match="image must have at most 64000000 pixels, got uint8"):
        head.embed(huge)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 3), (33, 32)])
def test_an_image_of_any_size_is_resized(head: VisionHead, shape: tuple[int, int]) -> None:
    assert head.embed(picture(0, *shape)).shape == head.info.embedding_shape


@pytest.mark.parametrize(
    "embedding",
    [
        None,
        np.zeros((5, 32), np.float64),
        np.zeros((5, 31), np.float32),
        np.zeros((1, 5, 32), np.float32),
        np.full((5, 32), np.nan, np.float32),
    ],
)
def test_what_is_no_embedding_of_this_model_is_refused(
    tail: LanguageTail, embedding: object
) -> None:
    with pytest.raises(InvalidInput, match=r"embedding must be finite float32 \(5, 32\), got"):
        tail.answer(embedding, "")  # type: ignore[arg-type]


def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(tail: LanguageTail) -> None:
    embedding = np.zeros((5, 32), np.float32)
    assert tail.answer(embedding, "a " * 35).tokens <= 12
    with pytest.raises(InvalidInput, match="prompt must have at most 35 tokens, got 36"):
        tail.answer(embedding, "a " * 36)
    with pytest.raises(InvalidInput, match="prompt must be text, got int"):
        tail.answer(embedding, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 48, 2.5])
def test_an_answer_must_fit_the_model(original: Path, count: object) -> None:
    with pytest.raises(InvalidInput, match="max_new_tokens must be a whole number"):
        open_tail(original, max_new_tokens=count)  # type: ignore[arg-type]


def _write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def _remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _edit(changes: dict[str, object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**settings, **changes}))

    return edit


def _drop(*names: str) -> Callable[[Path], object]:
    def drop(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        kept = {name: tensor for name, tensor in weights.items() if name not in names}
        save_file(kept, folder / "model.safetensors")

    return drop


def _make_whole_numbers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    whole = {name: (10 * tensor).to(torch.int8) for name, tensor in weights.items()}
    save_file(whole, folder / "model.safetensors")


def _truncate(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _lose_a_shard(folder: Path) -> None:
    write_in_shards(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def _point_outside(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"output.bias": "../elsewhere.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("damage", "kind", "says"),
    [
        (shutil.rmtree, Unavailable, "must be a checkpoint folder"),
        (_remove("config.json"), Unavailable, "must hold config.json, got none"),
        (_write("config.json", "{"), InvalidInput, "must hold a readable config.json"),
        (_write("config.json", "[]"), InvalidInput, "with a JSON object, got list"),
        (_write("config.json", "{}"), Unsupported, "must be a model of images and text"),
        (_edit({"model_type": "bert"}), Unsupported, "got model_type 'bert'"),
        (
            _edit({"vision_config": {"hidden_size": 25}}),
            InvalidInput,
            "must hold a sound config.json",
        ),
        (_edit({"hidden_size": "many"}), InvalidInput, "must hold a sound config.json"),
        (_edit({"vision_config": 7}), InvalidInput, "must hold a sound config.json"),
        (_edit({"hidden_size": 64}), InvalidInput, "as config.json says, got"),
        (_remove("model.safetensors"), Unavailable, "must hold model.safetensors, got none"),
        (_pickle_only, Unsupported, "convert it to safetensors"),
        (_make_whole_numbers, Unsupported, "must hold floating-point weights, got torch.int8"),
        (_truncate, InvalidInput, "must hold whole safetensors files"),
        (_write("model.safetensors", "no"), InvalidInput, "must hold whole safetensors files"),
        (_write("model.safetensors", "x" * 99), InvalidInput, "must hold whole safetensors files"),
        (_lose_a_shard, Unavailable, "got no model-00002-of-00002.safetensors"),
        (_point_outside, InvalidInput, "of plain names"),
        (
            _drop("output.bias", "git.visual_projection.visual_projection.0.bias"),
            InvalidInput,
            "must hold every tensor of the model, got no",
        ),
    ],
)
def test_a_broken_checkpoint_is_refused_in_one_line(
    folder: Path, damage: Callable[[Path], object], kind: type[CoinferError], says: str
) -> None:
    damage(folder)
    for load in (open_head, open_tail):
        with pytest.raises(kind, match=r"^model\.path must ") as caught:
            load(folder)
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "kind", "says"),
    [
        (_remove("preprocessor_config.json"), Unavailable, "must hold preprocessor_config.json"),
        (_write("preprocessor_config.json", '{"size": "x"}'), InvalidInput, "sound processor"),
        (_write("preprocessor_config.json", "{}"), Unsupported, "size (224*224) doesn't match"),
        (_remove("tokenizer.json"), Unavailable, "must hold tokenizer.json or vocab.txt"),
        (_write("tokenizer.json", "{"), InvalidInput, "must hold sound processor and tokenizer"),
    ],
)
def test_a_broken_processor_is_refused_by_both_halves(
    folder: Path, damage: Callable[[Path], object], kind: type[CoinferError], says: str
) -> None:
    damage(folder)
    for load in (open_head, open_tail):
        with pytest.raises(kind, match=r"^model\.path must ") as caught:
            load(folder)
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
