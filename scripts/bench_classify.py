"""Where the time of `clipwise classify` goes, beside the plain way; and that memory stays flat.

    python -m scripts.bench_classify --out OUT [--model RUN] [--repeats 5] [--memory 1000]

The start: from the launch of the process until the model can answer, beside a bare process that imports
torch, torchvision and cv2 and reads the weights. A file: 10 s of 720p (H.264), each part by itself, and the
whole, beside the plain way: read and shrink every frame with cv2, then torch as it comes, then the head.
--memory N adds: the memory of the process and of its worker after 10 and after N files, and while a video of
10 s and one of 10 minutes are classified.

Without --model one is made, with a random `mobilenet_v2`, which costs the same. Figures are the least of the
repeats; each has its own, so the sum of the parts need not be the whole.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if not __package__:  # run as a script: its own folder is on the path, the project's root is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import psutil
import torch

from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.predict import predict
from pipeline.inference.classifier import Classifier, load
from pipeline.labels import Labels
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.checkpoint import MODEL_FILE, Checkpoint, load_checkpoint, model_file, save_checkpoint
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.spec import ClipSpec
from pipeline.video.index import read_index
from pipeline.video.letterbox import fit_frame
from pipeline.video.reader import read_clip
from scripts.bench_videos import FRAME_RATE, SIZES_WH, encode, repeat

ROOT = Path(__file__).resolve().parents[1]
LARGEST_START, LARGEST_FILE = 1.2, 1.15  # times the bare way
TELL = "print('ready', time.time(), time.process_time(), file=sys.stderr, flush=True)\n"
PYTHON = f"import sys, time\n{TELL}"
IMPORTS = f"import sys, time, torch, torchvision, cv2\n{TELL}"
BARE_START = (
    "import sys, time, torch, torchvision, cv2, safetensors.torch\n"
    f"safetensors.torch.load_file(sys.argv[1])\n{TELL}"
)
CLASSIFY = f"""
import sys, time
from pipeline.cli import main, output
say = output.say
def tell(message):
    if message.startswith("classifying on"):  # said as soon as the model can answer
        {TELL.strip()}
    say(message)
output.say = tell
sys.exit(main.main(["classify", *sys.argv[1:]]))
"""
_FRAME_SIDE = 224

Times = tuple[float, float]
"""Wall and CPU seconds."""


def make_model(folder: Path) -> Path:
    """A run folder with a model of random weights."""
    file = folder / "run" / MODEL_FILE
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        name, spec, labels = "mobilenet_v2", ClipSpec(), Labels(("a", "b", "c", "d"))
        head = HeadConfig(
            feature_dim=backbone_feature_dim(name, image_size=spec.image_size), num_classes=len(labels)
        )
        model = ClipClassifier(ModelConfig(backbone=name, image_size=spec.image_size, head=head)).eval()
        seconds = {"min": 1.0, "median": 10.0, "max": 700.0}
        checkpoint = Checkpoint(spec=spec, labels=labels, model=model.config, clip_seconds=seconds)
        save_checkpoint(file, model, checkpoint)
    return file.parent


def make_videos(folder: Path) -> tuple[Path, Path, Path]:
    """A video of 10 s and one of 10 minutes in 720p, and one so small that it costs nothing."""
    short, long, tiny = (folder / f"{name}.mp4" for name in ("10s_720p", "10min_720p", "tiny"))
    if not short.exists():
        encode(short, SIZES_WH["720p"], 10 * FRAME_RATE)
    if not long.exists():
        repeat(short, long, times=60)
    if not tiny.exists():
        encode(tiny, (128, 96), FRAME_RATE)
    return short, long, tiny


def start_of(command: Sequence[str]) -> Times:
    """Wall and CPU seconds of a process (not its children) until it says that it is ready."""
    began = time.time()
    done = subprocess.run(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=False
    )
    for line in done.stderr.splitlines():
        if line.startswith("ready "):
            _, ready, cpu = line.split()
            return float(ready) - began, float(cpu)
    raise SystemExit(f"it never was ready: {command}\n{done.stderr}")


def timed(function: Callable[[], Any], repeats: int) -> Times:
    """The least wall and CPU seconds of so many calls, after one for nothing; workers' CPU is counted."""
    function()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), _cpu_seconds()
        function()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu_seconds() - cpu)
    return min(walls), min(cpus)


def _cpu_seconds() -> float:
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(map(_cpu_seconds_of, family))


def _cpu_seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def show(name: str, times: Times, note: str = "") -> None:
    print(f"  {name:<44}{times[0] * 1000:>8.0f}{times[1] * 1000:>8.0f}  {note}".rstrip(), flush=True)


def measure_start(model: Path, tiny: Path, repeats: int) -> None:
    classify = [sys.executable, "-c", CLASSIFY, str(tiny), "--model", str(model)]
    commands = {
        "python": [sys.executable, "-c", PYTHON],
        "python, imports": [sys.executable, "-c", IMPORTS],
        "python, imports, weights: the bare way": [sys.executable, "-c", BARE_START, str(model_file(model))],
        "clipwise classify, until it can answer": classify,
    }
    found: dict[str, list[Times]] = {name: [] for name in commands}
    for command in commands.values():
        start_of(command)  # from the disk into memory
    for _ in range(repeats):
        for name, command in commands.items():
            found[name].append(start_of(command))
    print(f"the start{'wall ms':>45}{'CPU ms':>8}")
    least = {name: _least(times) for name, times in found.items()}
    for name, times in least.items():
        show(name, times)
    *_, bare, ours = least.values()
    _show_ratio("the start, to the bare way", ours, bare, LARGEST_START)


def _least(times: Sequence[Times]) -> Times:
    return min(wall for wall, _ in times), min(cpu for _, cpu in times)


def _show_ratio(name: str, ours: Times, bare: Times, largest: float) -> None:
    wall, cpu = ours[0] / bare[0], ours[1] / bare[1]
    print(f"  {name}: {wall:.2f} of wall, {cpu:.2f} of CPU time; at most {largest} is aimed at\n", flush=True)


def measure_file(classifier: Classifier, model: Path, video: Path, repeats: int) -> None:
    clip = read_clip(video, classifier.spec)
    wanted = set(clip.frame_indices)
    features = classifier._embedder.embed(clip.frames)
    head = load_checkpoint(model)[0].head
    picture = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    temperature = classifier.calibration.temperature

    def read_isolated() -> None:
        list(classifier._reader.read([video]))

    parts: dict[str, Callable[[], Any]] = {
        "decode: cv2 to the end, wanted frames fetched": lambda: decode(video, wanted),
        "packet index": lambda: read_index(video),
        "letterbox 12 frames": lambda: [fit_frame(picture, classifier.spec) for _ in wanted],
        "read a clip in this process": lambda: read_clip(video, classifier.spec),
        "read a clip in a worker": read_isolated,
        "embed 12 frames": lambda: classifier._embedder.embed(clip.frames),
        "head": lambda: predict(head, features, temperature=temperature),
        "leave one out": lambda: leave_one_out(head, features, 0, temperature=temperature),
        "classify, the whole": lambda: classifier.classify(video),
    }
    print(f"10 s of 720p, after the start{'wall ms':>25}{'CPU ms':>8}")
    found: dict[str, Times] = {}
    for name, function in parts.items():
        found[name] = timed(function, repeats)
        show(name, found[name])
    decoding, *_, embedding, heading, _, whole = found.values()
    bare = tuple(sum(each) for each in zip(decoding, embedding, heading, strict=True))
    show("decode + bare forward (embed, head)", (bare[0], bare[1]))
    _show_ratio("classify, to decode + bare forward", whole, (bare[0], bare[1]), LARGEST_FILE)
    plain_model = load_checkpoint(model)[0]
    plain = timed(lambda: plain_way(plain_model, video, sorted(wanted)), max(1, repeats // 2))
    show("the plain way: cv2, torch", plain)
    print(
        f"  classify takes {whole[0] / plain[0]:.2f} of its wall, {whole[1] / plain[1]:.2f} of its CPU time\n"
    )


def decode(video: Path, wanted: set[int]) -> int:
    """Decodes every frame on one thread and fetches the wanted ones, as little as truth needs."""
    parameters = [cv2.CAP_PROP_N_THREADS, 1]
    capture = cv2.VideoCapture(str(video), cv2.CAP_FFMPEG, parameters)  # noqa: TID251 - the bare way
    number = 0
    while capture.grab():
        if number in wanted:
            capture.retrieve()
        number += 1
    capture.release()
    return number


def plain_way(model: ClipClassifier, video: Path, wanted: Sequence[int]) -> Any:
    """What a script would do: every frame read and shrunk, some taken, torch as it comes."""
    capture = cv2.VideoCapture(str(video))  # noqa: TID251 - the plain way
    frames = []
    while True:
        shown, frame = capture.read()
        if not shown:
            break
        small = cv2.resize(frame, (_FRAME_SIDE, _FRAME_SIDE))  # noqa: TID251 - the plain way
        frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    capture.release()
    clip = torch.from_numpy(np.stack([frames[index] for index in wanted]))[None]
    with torch.inference_mode():
        return torch.softmax(model(clip).logits, dim=1).numpy()


def measure_memory(classifier: Classifier, videos: tuple[Path, Path, Path], num_files: int) -> None:
    short, long, tiny = videos
    print("memory, MiB" + f"{'process':>42}{'worker':>8}")
    marks = (10, num_files)
    for number, _ in enumerate(classifier.classify_many(tiny for _ in range(num_files)), start=1):
        if number in marks:
            _show_memory(f"after {number} files")
    for name, video in (("10 s of 720p", short), ("10 min of 720p", long)):
        classifier.classify(video)
        _show_memory(f"after {name}")


def _show_memory(name: str) -> None:
    this = psutil.Process()
    sizes = [this.memory_info().rss, sum(child.memory_info().rss for child in _workers(this))]
    print(f"  {name:<44}" + "".join(f"{size / (1 << 20):>8.0f}" for size in sizes), flush=True)


def _workers(process: psutil.Process) -> list[psutil.Process]:
    return [each for each in process.children() if "spawn_main" in " ".join(each.cmdline())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="where the videos and the model are made")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="N", help="also measure memory, over N files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = arguments.model or make_model(arguments.out)
    videos = make_videos(arguments.out)
    with load(model) as classifier:
        print(f"{classifier.runtime_words}; {torch.get_num_threads()} threads\n")
        measure_start(model, videos[2], arguments.repeats)
        measure_file(classifier, model, videos[0], arguments.repeats)
        if arguments.memory:
            measure_memory(classifier, videos, arguments.memory)


if __name__ == "__main__":
    main()
