"""Importances find what was planted: the clips of the benchmark, and a model that it trains quickly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.spec import ClipSpec
from pipeline.training.options import TrainOptions
from pipeline.video.worker import read_clip_isolated
from scripts.bench_explain import (
    ACCURATE,
    NUM_FRAMES,
    SIGN,
    WANTED,
    find,
    found_share,
    make_flash,
    make_planted,
    report,
    train_head,
)


def test_leave_one_out_finds_the_planted_frame(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    train, val, test = (make_planted("one", count, rng) for count in (500, 60, 60))
    head = train_head(train, val, TrainOptions(backbone="mobilenet_v2", lstm_dim=32))
    hits = find(head, test)
    assert hits.right.mean() >= ACCURATE
    assert hits.leave_one_out.mean() >= WANTED
    assert hits.chance == pytest.approx(1 / NUM_FRAMES)
    assert report("one", [hits])
    assert "leave-one-out at least 0.80: met" in capsys.readouterr().out
    assert not report("one", [replace(hits, right=np.zeros(60, bool))])
    assert "no accurate model: nothing can be said" in capsys.readouterr().out
    assert not report("one", [replace(hits, leave_one_out=hits.attention)])


@pytest.mark.parametrize("kind", ["one", "order"])
def test_the_decisive_frames_are_where_they_are_said_to_be(kind: str) -> None:
    """In the noise, a sign stands out: decisive frames and the conspicuous one are longer than the others."""
    planted = make_planted(kind, 50, np.random.default_rng(1))
    lengths = np.linalg.norm(planted.features, axis=2)
    for keys, of_clip in zip(planted.keys, lengths, strict=True):
        highest = set(np.argsort(-of_clip)[: len(keys) + 1].tolist())
        assert keys < highest
        assert min(of_clip[list(keys)]) > SIGN / 2


def test_shares() -> None:
    values = np.array([0.1, 0.9, 0.5, 0.4])
    assert found_share(values, {1}) == 1
    assert found_share(values, {2}) == 0
    assert found_share(values, {1, 3}) == 0.5


@pytest.mark.parametrize("label", ["disc", "bar"])
def test_the_shape_is_seen_when_it_is_said_to_be(tmp_path: Path, label: str) -> None:
    start, end = make_flash(tmp_path / "v.mp4", label, np.random.default_rng(3))
    read = read_clip_isolated(tmp_path / "v.mp4", ClipSpec(num_frames=24, image_size=64))
    is_seen = np.array([start <= seconds < end for seconds in read.frame_times_seconds])
    frames = read.frames.astype(int)
    colour = (frames[..., 0] - frames[..., 2]) * (1 if label == "disc" else -1)  # red or blue
    share = (colour > 100).mean(axis=(1, 2))
    assert 2 <= is_seen.sum() < 12
    assert share[is_seen].min() > share[~is_seen].max() + 0.02
