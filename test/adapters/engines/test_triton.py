# SPDX-License-Identifier: Apache-2.0
"""This package's own tail as a model of Triton's Python backend."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.adapters.engines.triton_model import TritonPythonModel
from coinfer_ros.adapters.engines.triton_repository import quoted, write_repository
from coinfer_ros.core.errors import InvalidInput, Unavailable

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "models" / "git-scenes"


@pytest.fixture(scope="module")
def tail():
    from coinfer_ros.adapters import models

    return models.open_tail(SHIPPED, device="cpu")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    write_repository(folder, SHIPPED, device="cpu")
    return folder


def parameters(folder: Path) -> dict[str, str]:
    text = (folder / "config.pbtxt").read_text()
    found = re.findall(r'parameters \{ key: "(\w+)" value \{ string_value: (".*") \} \}', text)
    return {key: ast.literal_eval(value) for key, value in found}


@pytest.mark.slow
def test_the_page_shows_the_configuration_that_is_written(tmp_path):
    folder = write_repository(tmp_path, SHIPPED)
    written = (folder / "config.pbtxt").read_text().replace(str(SHIPPED), "/models/git-scenes")
    assert written in (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_parameters_name_the_very_model(tail, repository):
    found = parameters(repository / "git-scenes")
    assert found["fingerprint"] == tail.info.fingerprint
    assert found["cut"] == tail.info.cut
    assert found["model_path"] == str(SHIPPED)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_is_ascii_and_has_every_byte(text):
    # Octal bytes and quotes are as in Python's own literals of bytes.
    literal = quoted(text)
    assert literal.isascii()
    assert ast.literal_eval("b" + literal) == text.encode()


@pytest.mark.parametrize("name", ["a/b", "..", "a b"])
def test_a_name_that_no_path_can_hold_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput, match="name must be 1 to 128 letters"):
        write_repository(tmp_path, SHIPPED, name=name)


@pytest.mark.slow
def test_a_repository_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="repository must be a folder that can be written, got"):
        write_repository(tmp_path / "file", SHIPPED)


class Requested:
    """A request as the backend hands it over, of arrays by name."""

    def __init__(self, embeddings: np.ndarray, prompts: list[bytes]) -> None:
        self.arrays = {
            "embedding": embeddings,
            "prompt": np.array([[p] for p in prompts], dtype=object),
        }


@pytest.fixture
def backend(monkeypatch):
    """Put in place of Triton's own module the four names of it that a model uses."""
    error = type(
        "TritonError", (), {"INVALID_ARG": 3, "__init__": lambda s, *a: setattr(s, "a", a)}
    )
    module = SimpleNamespace(
        get_input_tensor_by_name=lambda r, n: SimpleNamespace(as_numpy=lambda: r.arrays[n]),
        Tensor=lambda name, values: (name, values),
        InferenceResponse=lambda tensors=(), error=None: SimpleNamespace(
            tensors=dict(tensors), error=error
        ),
        TritonError=error,
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", module)


def begun(folder: Path, **changes: str) -> TritonPythonModel:
    named = {**parameters(folder / "git-scenes"), **changes}
    config = {"parameters": {key: {"string_value": value} for key, value in named.items()}}
    model = TritonPythonModel()
    model.initialize({"model_config": json.dumps(config)})
    return model


@pytest.mark.slow
@pytest.mark.usefixtures("backend")
def test_the_model_answers_every_request_for_itself(tail, repository):
    model = begun(repository)
    rng = np.random.default_rng(5)
    embeddings = rng.standard_normal((3, *tail.info.embedding_shape)).astype(np.float32)
    good = Requested(embeddings, [b"a", b"", b"a"])
    bad = Requested(embeddings[:1], [b"\xff"])
    first, second, third = model.execute([good, bad, good])
    expected = [tail.answer(e, p) for e, p in zip(embeddings, ("a", "", "a"), strict=True)]
    for response in (first, third):
        assert response.tensors["text"].tolist() == [[a.text.encode()] for a in expected]
        assert response.tensors["tokens"].tolist() == [[a.tokens] for a in expected]
        assert response.tensors["tokens"].dtype == np.int32
    message, code = second.error.a
    assert code == 3
    assert message.startswith("prompt must be UTF-8, got")


@pytest.mark.slow
@pytest.mark.usefixtures("backend")
def test_a_checkpoint_that_changed_since_is_refused(repository):
    with pytest.raises(InvalidInput, match=r"parameters\.fingerprint must be that of .*, got cd"):
        begun(repository, fingerprint="cd" * 32)
