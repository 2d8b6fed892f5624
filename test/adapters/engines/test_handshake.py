# SPDX-License-Identifier: Apache-2.0
"""An engine is met before it is asked: what is not ready, or not this tail, is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.adapters.engines.handshake import MOST_AT_ONCE
from coinfer_ros.core.errors import InvalidInput, Unavailable

from .stand_in import MODEL

NOTHING = np.zeros((3, 4), np.float32)


def opened(engine, info):
    return open_engine(engine.url, info, timeout_s=20.0)


def put(documents, path, *keys_and_value):
    """Replace what lies in a document at a way of keys."""
    *way, last, value = keys_and_value
    inside = documents[path]
    for key in way:
        inside = inside[key]
    inside[last] = value


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", f"{MODEL}/ready"])
@pytest.mark.parametrize(
    "answer", [(400, b""), (503, b"{}"), (200, b'{"live": false}'), (200, b'{"ready": false}')]
)
def test_what_is_not_ready_is_unavailable_and_says_which(engine, info, path, answer):
    engine.documents[path] = answer
    with pytest.raises(Unavailable, match=f"GET {path} at 127.0.0.1:{engine.port} must find it"):
        opened(engine, info)


def test_documents_that_say_yes_pass(engine, info):
    engine.documents["/v2/health/live"] = {"live": True}
    engine.documents[f"{MODEL}/ready"] = {"name": "tail", "ready": True}
    opened(engine, info).warm_up()


def test_another_model_than_the_one_asked_for_is_not_asked(engine, info):
    with pytest.raises(Unavailable, match=r"/v2/models/other/ready .* got HTTP status 404"):
        open_engine(engine.url.replace("tail", "other"), info, timeout_s=20.0)


def test_a_version_is_asked_for_by_its_path(engine, info):
    with pytest.raises(Unavailable, match="/v2/models/tail/versions/7/ready"):
        open_engine(engine.url + "/7", info, timeout_s=20.0)
    served = {p: d for p, d in engine.documents.items() if p.startswith(MODEL)}
    engine.documents |= {p.replace(MODEL, f"{MODEL}/versions/7"): d for p, d in served.items()}
    open_engine(engine.url + "/7", info, timeout_s=20.0).warm_up()
    assert engine.asked[-1] == f"{MODEL}/versions/7/infer"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("inputs", 0, "shape", [-1, 4, 4]), r"embedding, FP32 of shape \[-1, 3, 4\], got .*4, 4"),
        (("inputs", 0, "shape", [3, 4]), r"embedding, FP32 of shape \[-1, 3, 4\]"),
        (("inputs", 0, "shape", [0, 3, 4]), r"embedding, FP32 of shape \[-1, 3, 4\]"),
        (("inputs", 0, "shape", [True, 3, 4]), r"embedding, FP32 of shape \[-1, 3, 4\]"),
        (("inputs", 0, "shape", []), r"embedding, FP32 of shape \[-1, 3, 4\]"),
        (("inputs", 0, "shape", "x"), r"embedding, FP32 of shape \[-1, 3, 4\]"),
        (("inputs", 0, "datatype", "FP16"), "embedding, FP32 .* got .*FP16"),
        (("inputs", 0, "name", "pixels"), r"inputs .* must be embedding and prompt, got \['pixels"),
        (("inputs", 1, "datatype", "UINT8"), r"prompt, BYTES of shape \[-1, 1\]"),
        (("outputs", 0, "shape", [-1]), r"text, BYTES of shape \[-1, 1\]"),
        (("outputs", 1, "datatype", "INT64"), r"tokens, INT32 of shape \[-1, 1\], got .*INT64"),
        (("outputs", 1, "name", "count"), r"tokens, INT32 of shape \[-1, 1\], got \{\}"),
        (("outputs", []), r"text, BYTES of shape \[-1, 1\], got \{\}"),
        (("outputs", None), "outputs in the engine's answer must be a list of named tensors"),
        (("outputs", [1]), "outputs in the engine's answer must be a list of named tensors"),
    ],
)
def test_a_model_with_other_tensors_is_refused_with_both(engine, info, change, message):
    put(engine.documents, MODEL, *change)
    with pytest.raises(InvalidInput, match=message):
        opened(engine, info)


def test_sides_that_may_vary_and_outputs_beside_are_no_hindrance(engine, info):
    put(engine.documents, MODEL, "inputs", 0, "shape", [-1, -1, 4])
    engine.documents[MODEL]["outputs"].append({"name": "x", "datatype": "FP32", "shape": [-1]})
    opened(engine, info).warm_up()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("fingerprint", {"string_value": "cd" * 32}),
            "fingerprint must be (ab){32}, got '(cd){32}",
        ),
        (("cut", {"string_value": "block3"}), "cut must be block2, got 'block3'"),
        (("fingerprint", {}), "fingerprint must be (ab){32}, got None"),
        (("cut", None), "cut must be block2, got None"),
    ],
)
def test_another_tail_is_refused_with_both(engine, info, change, message):
    put(engine.documents, f"{MODEL}/config", "parameters", *change)
    with pytest.raises(InvalidInput, match=rf"model\.path and split\.cut: .*parameter {message}"):
        opened(engine, info)


def test_a_configuration_without_parameters_is_refused(engine, info):
    del engine.documents[f"{MODEL}/config"]["parameters"]
    with pytest.raises(InvalidInput, match=r"fingerprint must be (ab){32}, got None"):
        opened(engine, info)


def test_a_configuration_that_is_kept_back_is_refused(engine, info):
    engine.documents[f"{MODEL}/config"] = (403, b'{"error": "restricted"}')
    with pytest.raises(Unavailable, match=r"tail/config at .*HTTP status 403: restricted"):
        opened(engine, info)


def test_an_engine_that_cannot_name_its_model_serves_and_the_backend_says_so(engine, info):
    put(engine.documents, "/v2", "extensions", [])
    put(engine.documents, "/v2", "name", "mlserver")
    backend = opened(engine, info).backend
    assert backend == f"mlserver tail at 127.0.0.1:{engine.port}, model not verified"


@pytest.mark.parametrize("theirs", ["ab" * 32, "cd" * 32])
def test_metadata_with_parameters_are_believed_or_refused(engine, info, theirs):
    put(engine.documents, "/v2", "extensions", [])
    put(engine.documents, MODEL, "parameters", {"fingerprint": theirs, "cut": "block2"})
    if theirs == info.fingerprint:
        assert "verified" not in opened(engine, info).backend
    else:
        with pytest.raises(InvalidInput, match="fingerprint must be"):
            opened(engine, info)


@pytest.mark.parametrize(
    ("configured", "shaped", "expected"),
    [(4, -1, 4), (0, -1, MOST_AT_ONCE), (0, 1, 1), (0, 2, 2), ("x", -1, MOST_AT_ONCE)],
)
def test_the_engine_says_how_many_go_into_one_request(engine, info, configured, shaped, expected):
    put(engine.documents, f"{MODEL}/config", "max_batch_size", configured)
    put(engine.documents, MODEL, "inputs", 0, "shape", [shaped, 3, 4])
    served = opened(engine, info)
    assert served.batches is (expected > 1)
    served.answer_many([NOTHING] * (expected + 1), "")
    assert engine.asked.count(f"{MODEL}/infer") == 2
    served.answer_many([NOTHING] * expected, "")
    assert engine.asked.count(f"{MODEL}/infer") == 3


@pytest.mark.parametrize("path", ["/v2", MODEL, f"{MODEL}/config"])
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "JSON"),
        (b"[1]", "a JSON object"),
        (b"{", "JSON"),
        (b"\xff\xfe{}", "JSON"),
        (b'{"a": NaN}', "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "JSON|be a list|printable|got None"),
    ],
)
def test_a_document_that_is_none_is_refused(engine, info, path, body, rule):
    engine.documents[path] = (200, body)
    with pytest.raises(InvalidInput, match=rule):
        opened(engine, info)


@pytest.mark.parametrize("name", [None, 3, "", "a\nb", "x" * 33])
def test_a_server_name_that_would_spoil_a_log_is_refused(engine, info, name):
    put(engine.documents, "/v2", "name", name)
    with pytest.raises(InvalidInput, match="name in the engine's answer must be 1 to 32 printable"):
        opened(engine, info)


def test_a_document_without_end_is_not_read(engine, info):
    engine.documents[MODEL] = (200, b" " * (2 * 1024 * 1024))
    with pytest.raises(InvalidInput, match="at most 1048576 bytes, got Content-Length 2097152"):
        opened(engine, info)


def test_meeting_changes_nothing_at_the_engine(engine, info):
    before = copy.deepcopy(engine.documents)
    opened(engine, info).close()
    assert engine.documents == before
    assert engine.asked == [
        "/v2/health/live",
        "/v2/health/ready",
        f"{MODEL}/ready",
        "/v2",
        MODEL,
        f"{MODEL}/config",
    ]
