# SPDX-License-Identifier: Apache-2.0
"""Program: one side of LeRobot's async inference service, made of its own modules.

``lerobot_grpc.py server`` prints ``PORT VERSIONS``, or ``missing WHY`` where they cannot be
imported. ``lerobot_grpc.py client PORT`` reads lines ``TOKENS CHANNELS BITS`` and prints for each
how long such a tensor and its answer took, s. Both end with their input.

It stands in a folder of its own: beside ``bench/lerobot.py`` Python would find that for LeRobot.
The calls are those of lerobot/async_inference/policy_server.py and robot_client.py of 0.4.4, with
nothing for the policy, its processors, its pace and its log.
"""

from __future__ import annotations

import pickle
import queue
import sys
import threading
import time
from concurrent import futures
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    import grpc
    from lerobot.transport import services_pb2, services_pb2_grpc
    from lerobot.transport.utils import (
        grpc_channel_options,
        receive_bytes_in_chunks,
        send_bytes_in_chunks,
    )
except ImportError as error:
    print(f"missing {error}", flush=True)
    sys.exit(0)

HOST = "127.0.0.1"
THREADS = 4  # as its policy server has
OBSERVATION_S = 2.0  # its DEFAULT_OBS_QUEUE_TIMEOUT
RETRY = "0.0333s"  # its environment_dt at the default of 30 Hz
ANSWER_S = 10.0
WORDS = "a red ball left of a blue box"


class Server(services_pb2_grpc.AsyncInferenceServicer):  # type: ignore[misc]
    """Keeps the newest observation and answers it at once."""

    def __init__(self) -> None:
        self._shutdown = threading.Event()
        self._observations: queue.Queue[dict[str, Any]] = queue.Queue(maxsize=1)

    def Ready(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Greet a client."""
        return services_pb2.Empty()

    def SendObservations(self, request_iterator: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Take an observation."""
        received = receive_bytes_in_chunks(request_iterator, None, self._shutdown)
        observation = pickle.loads(received)  # noqa: S301
        tensor = observation["observation"]["tensor"]
        observation["observation"]["tensor"] = tensor.astype(np.float32, copy=False)
        if self._observations.full():
            self._observations.get_nowait()
        self._observations.put(observation)
        return services_pb2.Empty()

    def GetActions(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Return what there is to do about the newest observation."""
        try:
            newest = self._observations.get(timeout=OBSERVATION_S)
        except queue.Empty:
            return services_pb2.Actions()
        actions = [{**newest, "observation": None, "action": WORDS}]
        return services_pb2.Actions(data=pickle.dumps(actions))


class Client:
    """Sends observations from one thread and receives actions in another."""

    def __init__(self, port: int) -> None:
        options = grpc_channel_options(initial_backoff=RETRY)
        self._stub = services_pb2_grpc.AsyncInferenceStub(
            grpc.insecure_channel(f"{HOST}:{port}", options)
        )
        self._stub.Ready(services_pb2.Empty())
        self._step = 0
        self._received: queue.SimpleQueue[list[dict[str, Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    def ask(self, tensor: NDArray[np.float32], bits: int) -> float:
        """Return how long a tensor took there and its answer back, s.

        :param bits: 32: as it is; 16: made float16 here and float32 again there.
        """
        self._step += 1
        begun_s = time.perf_counter()
        sent = {
            "timestamp": time.time(),
            "timestep": self._step,
            "observation": {"tensor": tensor.astype(f"<f{bits // 8}", copy=False), "task": ""},
            "must_go": True,
        }
        chunks = send_bytes_in_chunks(pickle.dumps(sent), services_pb2.Observation)
        self._stub.SendObservations(chunks)
        [action] = self._received.get(timeout=ANSWER_S)
        took_s = time.perf_counter() - begun_s
        if action["timestep"] != self._step:
            sys.exit(f"the answer must be to step {self._step}, got {action['timestep']}")
        return took_s

    def _receive(self) -> None:
        while True:
            data = self._stub.GetActions(services_pb2.Empty()).data
            if data:
                self._received.put(pickle.loads(data))  # noqa: S301


def serve() -> None:
    """Serve until the input ends."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS))
    services_pb2_grpc.add_AsyncInferenceServicer_to_server(Server(), server)
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    parts = ("lerobot", "grpcio", "protobuf")
    print(port, ", ".join(f"{part} {version(part)}" for part in parts), flush=True)
    sys.stdin.read()
    server.stop(None)


def ask(port: int) -> None:
    """Ask as often as there are lines."""
    client, rng = Client(port), np.random.default_rng(0)
    tensors: dict[tuple[int, int], NDArray[np.float32]] = {}
    for line in sys.stdin:
        tokens, channels, bits = map(int, line.split())
        shape = tokens, channels
        if shape not in tensors:
            tensors[shape] = rng.standard_normal(shape, np.float32)
        print(client.ask(tensors[shape], bits), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    else:
        ask(int(sys.argv[2]))
