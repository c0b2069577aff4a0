"""How fast does a frozen backbone embed frames on this CPU, and what does Clipwise add to the bare forward?

    python -m scripts.bench_embed [CLIPS] [--backbones resnet18 ...] [--clips 24] [--repeats 5]

Without a store CLIPS, clips of noise are written to a temporary one (12 frames of 224 px). Each backbone has
random weights, which cost the same as others. In turn, several times over, the least of the repeats counts:

- torch eager, channels last, torch.compile (where there is a compiler), ONNX Runtime: one clip of random
  frames in memory, again and again: the bare forward with its normalisation, all threads on each clip
- `embed_clips` of Clipwise on the store, nothing kept: reading, checking and feeding included

Agreement is the largest difference between ONNX Runtime's features and torch's, as a share of the largest
feature. Threads that wait sleep, as under the command line (OMP_WAIT_POLICY=PASSIVE).
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads

if not __package__:  # run as a script: its own folder is on the path, the project's root is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
import torchvision

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.onnx_graph import TOLERANCE
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.spec import ClipSpec
from tests.helpers.stores import make_store

BACKBONES = ("mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "efficientnet_b0", "convnext_tiny")
EAGER, LAST, COMPILED, ONNX = "torch eager", "channels last", "torch.compile", "ONNX Runtime"
OURS_TORCH, OURS_ONNX = "embed_clips, torch", "embed_clips, ONNX"
_LEAST_SECONDS = 1.0  # of one timing of a bare forward


@dataclass(kw_only=True)
class Cost:
    """What a clip takes: the least of all repeats."""

    wall_seconds: float = float("inf")
    cpu_seconds: float = float("inf")

    def add(self, work: Callable[[], int]) -> None:
        """Times work that says how many clips it embedded."""
        wall, cpu = time.perf_counter(), time.process_time()
        count = work()
        self.wall_seconds = min(self.wall_seconds, (time.perf_counter() - wall) / count)
        self.cpu_seconds = min(self.cpu_seconds, (time.process_time() - cpu) / count)


def build(backbone: str, spec: ClipSpec) -> ClipClassifier:
    torch.manual_seed(0)
    head = HeadConfig(
        feature_dim=backbone_feature_dim(backbone, image_size=spec.image_size), num_classes=2, lstm_dim=8
    )
    return ClipClassifier(ModelConfig(backbone=backbone, image_size=spec.image_size, head=head)).eval()


def again(embed: Callable[[], Any]) -> Callable[[], int]:
    """Embeds the same clip until a timing means something."""

    def work() -> int:
        count, start = 0, time.perf_counter()
        while not count or time.perf_counter() - start < _LEAST_SECONDS:
            embed()
            count += 1
        return count

    return work


def bare_torch(
    classifier: ClipClassifier, frames: np.ndarray, layout: torch.memory_format, *, compiled: bool = False
) -> Callable[[], Any]:
    """The network and its normalisation, in one memory layout, and nothing around them."""
    network: Any = classifier.backbone.get_submodule("network").to(memory_format=layout)

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        normalised = (pixels.permute(0, 3, 1, 2).float() - classifier.mean) / classifier.std
        features: torch.Tensor = network(normalised.contiguous(memory_format=layout))
        return features

    run: Any = torch.compile(forward) if compiled else forward

    def embed() -> None:
        with torch.inference_mode():
            run(torch.from_numpy(frames))

    return embed


def measure(backbone: str, store: ClipStore, options: argparse.Namespace) -> dict[str, Cost]:
    """All ways of embedding in turn, several times over."""
    clips = store.usable()[: options.clips]
    shape = store.frames(clips[0]).shape
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    classifier = build(backbone, store.spec)
    torch_embedder = Embedder(classifier, runtime="torch")
    onnx_embedder = Embedder(classifier, runtime="onnx")

    def ours(embedder: Embedder) -> Callable[[], int]:
        return lambda: len(embed_clips(store, clips, embedder, keep=False))

    ways = {
        EAGER: again(bare_torch(build(backbone, store.spec), frames, torch.contiguous_format)),
        LAST: again(bare_torch(build(backbone, store.spec), frames, torch.channels_last)),
        ONNX: again(lambda: onnx_embedder.embed(frames)),
        OURS_TORCH: ours(torch_embedder),
        OURS_ONNX: ours(onnx_embedder),
    }
    if options.compile:
        peer = build(backbone, store.spec)
        ways[COMPILED] = again(bare_torch(peer, frames, torch.channels_last, compiled=True))
    costs = {name: Cost() for name in ways}
    for work in ways.values():  # to warm up: compiling, first touch of memory and of the store's files
        work()
    for repeat in range(options.repeats):
        for name, work in ways.items():
            print(f"{backbone}: {name}, {repeat + 1} of {options.repeats}", file=sys.stderr, flush=True)
            costs[name].add(work)
    expected, got = torch_embedder.embed(frames), onnx_embedder.embed(frames)
    difference = float(np.abs(got - expected).max() / np.abs(expected).max())
    show(backbone, costs, shape[0], difference)
    return costs


def show(backbone: str, costs: dict[str, Cost], num_frames: int, difference: float) -> None:
    published = torchvision.models.get_model_weights(backbone).DEFAULT
    accuracy = published.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    agreement = "within" if difference <= TOLERANCE else "NOT within"
    print(
        f"\n{backbone}: ImageNet {accuracy:.1f} % ({published}), ONNX Runtime differs by {difference:.0e}, "
        f"{agreement} {TOLERANCE:.0e}"
    )
    print(f"{'':<20} {'frames/s':>9} {'ms a clip':>10} {'CPU ms':>8} {'to eager':>9} {'CPU, to eager':>14}")
    for name, cost in costs.items():
        print(
            f"{name:<20} {num_frames / cost.wall_seconds:>9.0f} {1000 * cost.wall_seconds:>10.0f} "
            f"{1000 * cost.cpu_seconds:>8.0f} {costs[EAGER].wall_seconds / cost.wall_seconds:>8.2f}x "
            f"{costs[EAGER].cpu_seconds / cost.cpu_seconds:>13.2f}x"
        )
    for ours, bare in ((OURS_ONNX, ONNX), (OURS_TORCH, LAST)):
        for what in ("wall_seconds", "cpu_seconds"):
            ratio = getattr(costs[ours], what) / getattr(costs[bare], what)
            verdict = "met" if ratio <= 1.1 else "missed"
            print(f"target: {ours}, {what} to the bare forward: {ratio:.2f}, at most 1.10: {verdict}")
    print(flush=True)


@contextlib.contextmanager
def store_to_read(path: Path | None, num_clips: int) -> Iterator[ClipStore]:
    """The store that was named, or one of noise that is removed afterwards."""
    if path is not None:
        yield ClipStore.open(path)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        counts = {"train": (num_clips + 1) // 2}
        yield make_store(Path(folder) / "clips", spec=ClipSpec(), clips_per_class=counts)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", metavar="CLIPS", type=Path, nargs="?")
    parser.add_argument("--backbones", nargs="+", default=BACKBONES)
    parser.add_argument("--clips", type=int, default=24, help="how many clips embed_clips is timed on")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave torch.compile out")
    options = parser.parse_args()
    options.compile = options.compile and any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    warnings.simplefilter("ignore")  # of the compiler
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} cores, "
        f"{torch.backends.cpu.get_cpu_capability()}; least of {options.repeats} repeats"
    )
    with store_to_read(options.store, options.clips) as store:
        results = {backbone: measure(backbone, store, options) for backbone in options.backbones}
        num_frames = store.spec.num_frames
    names = list(next(iter(results.values())))
    print(
        f"frames/s, and in brackets those a CPU second\n{'':<20}" + "".join(f"{name:>21}" for name in names)
    )
    for backbone, costs in results.items():
        cells = (
            f"{num_frames / cost.wall_seconds:.0f} ({num_frames / cost.cpu_seconds:.0f})"
            for cost in costs.values()
        )
        print(f"{backbone:<20}" + "".join(f"{cell:>21}" for cell in cells))


if __name__ == "__main__":
    main()
