"""The sample videos: same frames, other order; balanced nuisances; same bytes; whole files."""

import hashlib
import importlib.util
import itertools
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load_script() -> ModuleType:
    location = importlib.util.spec_from_file_location(
        "make_sample_videos", ROOT / "scripts" / "make_sample_videos.py"
    )
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    sys.modules["make_sample_videos"] = module  # dataclasses look their module up
    location.loader.exec_module(module)
    return module


script = _load_script()
LABELS = ["clockwise", "counterclockwise", "there_and_back", "jumps_about"]


def _make(out: Path, clips: int = 1, seed: int = 7) -> list[Path]:
    return list(script.make_sample_videos(out, clips_per_class=clips, seed=seed))


def _decode(path: Path) -> tuple[np.ndarray, Fraction]:
    """Frames (N, H, W, 3) and rate by another reader than OpenCV."""
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert rate is not None
    return np.stack(frames), Fraction(rate)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.mp4")
    }


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_frames", [12, 36, 60, 84, 132, 348])
def test_all_classes_show_the_same_places_and_the_same_twelve_places(num_frames: int) -> None:
    segments = [int((i + 0.5) * num_frames / 12) for i in range(12)]  # contract 2
    for number in range(20):
        orders = {
            label: script.order_for(label, num_frames, seed=3, number=number) for label in script.CLASSES
        }
        for order in orders.values():
            assert sorted(order) == list(range(num_frames))
        seen = {label: frozenset(order[segments].tolist()) for label, order in orders.items()}
        assert len(set(seen.values())) == 1
        assert len(seen["clockwise"]) == 12


@pytest.mark.parametrize("number", range(6))
def test_orders_are_what_the_names_say(number: int) -> None:
    n = 60

    def steps(label: str) -> list[int]:
        order = script.order_for(label, n, seed=0, number=number)
        return [int(step) for step in (np.diff(order) + n // 2) % n - n // 2]

    assert set(steps("clockwise")) == {1}
    assert set(steps("counterclockwise")) == {-1}
    back = steps("there_and_back")
    assert Counter(map(abs, back))[2] >= n - 3  # one step of 1 at each turn
    assert 0.4 * n < sum(step > 0 for step in back) < 0.6 * n
    signs = [step > 0 for step in back]
    assert 1 <= sum(a != b for a, b in itertools.pairwise(signs)) <= 2
    jumps = steps("jumps_about")
    assert sum(abs(step) > n // 12 for step in jumps) == 11


def test_no_single_moment_tells_the_class() -> None:
    counts = {
        label: np.stack(
            [script.order_for(label, 36, seed=1, number=number)[[0, 19, 35]] for number in range(1200)]
        )
        for label in script.CLASSES
    }
    for label, places in counts.items():
        for moment in places.T:  # first, centre and last frame
            twelfths = np.bincount(((moment + 1) // 3) % 12, minlength=12)
            assert twelfths.min() > 60, label  # 100 expected, standard deviation 10
            assert twelfths.max() < 145, label


def test_classes_are_named_in_the_docstring() -> None:
    assert list(script.CLASSES) == LABELS
    assert all(f"OUT/{label}/" in (script.__doc__ or "") for label in LABELS)


# --- files --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "영상"
    _make(folder, clips=2)
    return folder


def test_the_four_videos_of_a_scene_hold_the_same_frames(made: Path) -> None:
    by_place = {}
    for label in LABELS:
        frames, rate = _decode(made / label / f"{label}_seed7_0000.mp4")
        order = script.order_for(label, len(frames), seed=7, number=0)
        by_place[label] = frames[np.argsort(order)].astype(float)
        assert rate == script.make_scene(7, 0).frame_rate
    reference = np.stack(script.make_scene(7, 0).frames).astype(float)
    for label, frames in by_place.items():
        assert frames.shape == reference.shape, label
        same = np.abs(frames - reference).mean()
        moved = np.abs(frames - np.roll(reference, len(reference) // 2, axis=0)).mean()
        assert same < 0.6 * moved, label
        # the part of the picture in which the moving thing stands agrees frame by frame
        where = np.abs(reference - np.median(reference, axis=0)).max(axis=-1) > 60
        assert where.any()
        assert np.abs(frames - reference)[where].mean() < 30, label


def test_same_seed_same_bytes_other_seed_other_bytes(made: Path, tmp_path: Path) -> None:
    _make(tmp_path / "again", clips=2)
    assert _digests(tmp_path / "again") == _digests(made)
    _make(tmp_path / "other", clips=2, seed=8)
    assert not set(_digests(tmp_path / "other").values()) & set(_digests(made).values())


def test_rerun_keeps_what_is_there_and_makes_what_is_missing(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths = _make(out)
    times = {path: path.stat().st_mtime_ns for path in paths}
    paths[2].unlink()
    (out / "clockwise" / ".unfinished-1.mp4").write_bytes(b"cut short")
    assert _make(out, clips=2)[:4] == paths
    assert _digests(out) == _digests(made)
    assert [path.stat().st_mtime_ns == times[path] for path in paths] == [True, True, False, True]
    assert not list(out.rglob(".unfinished*"))


def test_scenes_cover_aspects_rates_and_lengths() -> None:
    shapes: Counter[float] = Counter()
    rates, seconds = set(), []
    for number in range(28):
        scene = script.make_scene(5, number)
        height, width = scene.frames[0].shape[:2]
        assert height % 2 == width % 2 == 0
        shapes[min((16 / 9, 9 / 16, 4 / 3, 1.0), key=lambda aspect: abs(aspect - width / height))] += 1
        assert scene.frame_rate in range(15, 61)
        assert len(scene.frames) // 12 % 2 == 1
        assert len(scene.frames) % 12 == 0
        rates.add(scene.frame_rate)
        seconds.append(len(scene.frames) / scene.frame_rate)
    assert set(shapes.values()) == {7}
    assert min(rates) == 15
    assert max(rates) == 60
    assert min(seconds) >= 1.0
    assert max(seconds) <= 6.0
    assert max(seconds) > 2 * min(seconds)


def test_committed_samples_are_small_balanced_and_made_by_the_script() -> None:
    folder = ROOT / "sample_videos"
    files = sorted(folder.rglob("*.mp4"))
    assert {path.parent.name for path in files} == set(LABELS)
    assert sum(path.stat().st_size for path in files) <= 5_000_000
    facts: dict[str, list[tuple[int, int, Fraction, int]]] = {label: [] for label in LABELS}
    for path in files:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.average_rate is not None
            facts[path.parent.name].append(
                (stream.width, stream.height, Fraction(stream.average_rate), stream.frames)
            )
    assert len(facts["clockwise"]) >= 10
    assert all(rows == facts["clockwise"] for rows in facts.values())  # nothing but the order differs
    aspects = {round(width / height, 1) for width, height, _, _ in facts["clockwise"]}
    assert aspects == {1.8, 0.6, 1.3, 1.0}
    rates = {rate for _, _, rate, _ in facts["clockwise"]}
    assert {Fraction(15), Fraction(60)} <= rates
    scene = script.make_scene(2026, 0)
    order = script.order_for("there_and_back", len(scene.frames), seed=2026, number=0)
    frames, _ = _decode(folder / "there_and_back" / "there_and_back_seed2026_0000.mp4")
    assert np.abs(frames - np.stack(scene.frames)[order].astype(float)).mean() < 12


# --- command line -------------------------------------------------------------------------------


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert script.main([str(out), "--clips-per-class", "1", "--seed", "4"]) == 0
    assert "4 videos of 4 classes" in capsys.readouterr().out
    assert sorted(_digests(out)) == sorted(f"{label}/{label}_seed4_0000.mp4" for label in LABELS)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--clips-per-class", "0"], 2, "--clips-per-class is 0"),
        (["--seed", "-1"], 2, "--seed is -1"),
    ],
)
def test_wrong_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert script.main([str(tmp_path / "out"), *arguments]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("mine")
    assert script.main([str(tmp_path / "out")]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["notes.txt", "clockwise/mine.mp4", "cats/a.mp4"])
def test_other_content_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str) -> None:
    path = tmp_path / other
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    assert script.main([str(tmp_path), "--clips-per-class", "1"]) == 4
    message = capsys.readouterr().err
    assert Path(other).parts[0] in message
    assert "video/s" not in message  # refused before the bar starts
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_fewer_clips_than_are_there_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([str(made), "--clips-per-class", "1", "--seed", "7"]) == 4
    assert "_seed7_0001.mp4" in capsys.readouterr().err


def test_a_video_that_cannot_be_finished_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class HalfWriter:
        def __init__(self, path: str, *_: object) -> None:
            self.path = Path(path)

        def write(self, _frame: object) -> None:
            self.path.write_bytes(b"half a video")

        def release(self) -> None: ...

        fourcc = staticmethod(lambda *_: 0)

    monkeypatch.setattr(script.cv2, "VideoWriter", HalfWriter)
    assert script.main([str(tmp_path / "out"), "--clips-per-class", "1"]) == 3
    assert "could not write" in capsys.readouterr().err
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
