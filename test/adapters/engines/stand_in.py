# SPDX-License-Identifier: Apache-2.0
"""An engine for tests: speaks the protocol as Triton does, and breaks it where a test says so."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from coinfer_ros.core.model import Generated, ModelInfo

# As NVIDIA Triton 2.51 names them.
TRITON = ["model_repository", "model_configuration", "binary_tensor_data", "parameters"]
MODEL = "/v2/models/tail"
Answer = Callable[[np.ndarray, str], Generated]


def documents(info: ModelInfo) -> dict[str, Any]:
    """Return what Triton shows of itself and of a served tail."""
    tokens, channels = info.embedding_shape
    parameters = {"fingerprint": info.fingerprint, "cut": info.cut}
    ready = (200, b"")
    return {
        "/v2": {"name": "triton", "version": "2.51.0", "extensions": [*TRITON]},
        **dict.fromkeys(("/v2/health/live", "/v2/health/ready", f"{MODEL}/ready"), ready),
        MODEL: {
            "name": "tail",
            "versions": ["1"],
            "platform": "python",
            "inputs": [
                {"name": "embedding", "datatype": "FP32", "shape": [-1, tokens, channels]},
                {"name": "prompt", "datatype": "BYTES", "shape": [-1, 1]},
            ],
            "outputs": [
                {"name": "text", "datatype": "BYTES", "shape": [-1, 1]},
                {"name": "tokens", "datatype": "INT32", "shape": [-1, 1]},
            ],
        },
        f"{MODEL}/config": {
            "name": "tail",
            "max_batch_size": 8,
            "parameters": {key: {"string_value": text} for key, text in parameters.items()},
        },
    }


class StandIn:
    """One served tail on a port of its own.

    :ivar documents: path to what a GET of it gets: a document, or a status and a body.
    :ivar binary: whether answers have their tensors behind the JSON.
    :ivar edit: changes an answer's document just before it is sent.
    :ivar send: makes of a whole response, head and body, the pieces that are sent in its place;
        the connection ends with them.
    :ivar asked: paths of all requests.
    :ivar connections: how many were made.
    """

    def __init__(self, info: ModelInfo, answer: Answer) -> None:
        self.answer, self.binary = answer, True
        self.edit: Callable[[dict[str, Any]], object] = lambda _document: None
        self.send: Callable[[bytes], Iterable[bytes]] | None = None
        self.asked: list[str] = []
        self.connections, self.port, self.protocol = 0, 0, "HTTP/1.1"
        self.documents = documents(info)
        self.start()

    @property
    def url(self) -> str:
        return f"kserve://127.0.0.1:{self.port}/tail"

    def start(self) -> None:
        """Serve, on the same port as before if there was one."""
        self._open: list[socket.socket] = []
        handler = type("Handler", (_Handler,), {"engine": self, "protocol_version": self.protocol})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """End as a killed engine does: with every connection."""
        self._server.shutdown()
        self._thread.join()
        self.drop_connections()
        self._server.server_close()

    def drop_connections(self) -> None:
        """Close every connection, as an engine that is tired of silence."""
        while self._open:
            with contextlib.suppress(OSError):  # the client was quicker
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def infer(self, head: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer one request as the protocol says."""
        length = int(head.get("Inference-Header-Content-Length", len(body)))
        asked, rest = json.loads(body[:length]), body[length:]
        tensors = {}
        for given in asked["inputs"]:
            if size := given.get("parameters", {}).get("binary_data_size"):
                data, rest = rest[:size], rest[size:]
                tensors[given["name"]] = _unpacked(given["datatype"], data)
            else:
                tensors[given["name"]] = given["data"]
        assert not rest
        shape = asked["inputs"][0]["shape"]
        embeddings = np.array(tensors["embedding"], np.float32).reshape(shape)
        try:
            answers = [
                self.answer(*pair) for pair in zip(embeddings, tensors["prompt"], strict=True)
            ]
        except ValueError as error:
            return 400, {}, json.dumps({"error": str(error)}).encode()
        return self._reply(asked["id"], answers)

    def _reply(
        self, request_id: str, answers: list[Generated]
    ) -> tuple[int, dict[str, str], bytes]:
        texts = [answer.text for answer in answers]
        tokens = [answer.tokens for answer in answers]
        packed = [
            b"".join(struct.pack("<I", len(t.encode())) + t.encode() for t in texts),
            np.array(tokens, "<i4").tobytes(),
        ]
        outputs = [
            {"name": "text", "datatype": "BYTES", "shape": [len(answers), 1]},
            {"name": "tokens", "datatype": "INT32", "shape": [len(answers), 1]},
        ]
        if self.binary:
            for output, data in zip(outputs, packed, strict=True):
                output["parameters"] = {"binary_data_size": len(data)}
        else:
            outputs[0]["data"], outputs[1]["data"] = texts, [[number] for number in tokens]
        document = {"model_name": "tail", "id": request_id, "outputs": outputs}
        self.edit(document)
        body = json.dumps(document).encode()
        if not self.binary:
            return 200, {"Content-Type": "application/json"}, body
        headers = {"Inference-Header-Content-Length": str(len(body))}
        return 200, headers, body + b"".join(packed)


def _unpacked(datatype: str, data: bytes) -> Any:
    if datatype == "FP32":
        return np.frombuffer(data, "<f4")
    found = []
    while data:
        (size,) = struct.unpack_from("<I", data)
        found.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that left."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    engine: StandIn
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms else

    def setup(self) -> None:
        super().setup()
        self.engine.connections += 1
        self.engine._open.append(self.connection)

    def do_GET(self) -> None:
        self.engine.asked.append(self.path)
        found = self.engine.documents.get(self.path, (404, b'{"error": "unknown model"}'))
        status, body = found if isinstance(found, tuple) else (200, json.dumps(found).encode())
        self._write(status, {}, body)

    def do_POST(self) -> None:
        self.engine.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.engine.infer(self.headers, body)
        if self.engine.send is None:
            self._write(status, headers, body)
            return
        lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self.close_connection = True
        for piece in self.engine.send("\r\n".join([*lines, "", ""]).encode() + body):
            self.wfile.write(piece)

    def _write(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""
