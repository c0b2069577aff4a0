"""The backbone as ONNX Runtime runs it on a CPU."""

import contextlib
import os
import threading
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import torch

from pipeline.embedding.ahead import in_order
from pipeline.embedding.runtime import Read

FRAMES, FEATURES = "frames", "features"
MOST_CLIPS_AT_ONCE = 8  # each of them takes memory for its intermediate results


class OnnxRuntime:
    """A graph that takes frames and gives features.

    Its values do not depend on the number of threads: whoever made the graph has checked that (`onnx_graph`).
    So many clips are embedded side by side, one thread or a few for each, which costs less than sharing out
    every layer: 113 ms of CPU a clip instead of 128 (`mobilenet_v2`, 2 busy cores).

    Args:
        graph: the content of an .onnx file.
    """

    def __init__(self, graph: bytes) -> None:
        self._graph = graph
        self._num_threads = torch.get_num_threads()
        self._sessions: dict[tuple[int, int], Any] = {}
        self._lock = threading.Lock()

    @property
    def description(self) -> str:
        """Version of ONNX Runtime, and of torch, which made the graph."""
        import onnxruntime

        return f"ONNX Runtime {onnxruntime.__version__}, cpu, graph by torch {torch.__version__}"

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Features (T, D) float32 of one clip's frames (T, S, S, 3) uint8 RGB."""
        return self.run(frames, num_threads=self._num_threads)

    def embed_each(self, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        """The same for many clips, in their order, several at a time."""
        num_clips = min(self._num_threads, MOST_CLIPS_AT_ONCE)
        num_threads = max(1, self._num_threads // num_clips)
        calls = (lambda read=read: self.run(read(), num_threads=num_threads) for read in reads)
        with contextlib.closing(in_order(calls, num_threads=num_clips)) as results:
            yield from results

    def run(self, frames: np.ndarray, *, num_threads: int) -> np.ndarray:
        """Features (N, D) float32 of frames (N, S, S, 3) uint8 RGB, computed by so many threads."""
        (features,) = self._session(num_threads).run([FEATURES], {FRAMES: frames})
        return np.asarray(features)

    def _session(self, num_threads: int) -> Any:
        """The session of so many threads in this process: after a fork its threads are gone."""
        key = (os.getpid(), num_threads)
        if key not in self._sessions:
            with self._lock:
                if key not in self._sessions:
                    self._sessions[key] = open_session(self._graph, num_threads=num_threads)
        return self._sessions[key]


def open_session(graph: bytes, *, num_threads: int) -> Any:
    """A graph, the content of an .onnx file, ready to run on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors, which are raised as well; warnings are for its makers
    # Threads that wait spin by default: on busy cores a clip took half as long again.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
