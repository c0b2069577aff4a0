"""`clipwise audit` and `clipwise show` as they are typed."""

import json
from pathlib import Path

import pytest
from matplotlib.image import imread

from pipeline.cli.main import main
from tests.helpers.stores import make_store


def test_audit_prints_findings_and_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_store(tmp_path / "clips", failed=2)
    assert main(["audit", str(tmp_path / "clips"), "--out", str(tmp_path / "a.html")]) == 0
    shown = capsys.readouterr()
    assert "!   unreadable videos" in shown.out
    assert "2 of 24 videos gave no clip (down 2)." in shown.out
    assert "-> See the reasons in clips.csv" in shown.out
    assert f"the page is {tmp_path / 'a.html'}" in shown.err
    assert (tmp_path / "a.html").read_text("utf-8").startswith("<!doctype html>")


def test_audit_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_store(tmp_path / "clips")
    assert main(["audit", str(tmp_path / "clips"), "--json"]) == 0
    (said,) = capsys.readouterr().out.splitlines()
    told = json.loads(said)
    assert told["num_clips"] == 24
    assert {"name", "severity", "text", "remedy", "facts"} == set(told["findings"][0])
    ranks = ["ok", "note", "warning", "problem"]
    given = [ranks.index(finding["severity"]) for finding in told["findings"]]
    assert given == sorted(given, reverse=True), "the worst first"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["audit", "clips", "--out", "a.txt"], "give a name that ends in .html"),
        (["audit", "clips", "--videos", "nowhere"], "--videos nowhere is no folder"),
        (["audit", "clips", "--workers", "0"], "--workers is 0"),
        (["audit", "clips", "--samples", "-1"], "--samples is -1"),
        (["show", "clips", "x", "--out", "a.jpg"], "give a name that ends in .png"),
        (["show", "clips", "clip-0-tets-000", "--out", "a.png"], "Did you mean clip-0-test-000"),
    ],
)
def test_what_cannot_be_right(
    tmp_path: Path,
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_store(tmp_path / "clips")
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_show_draws_a_clip_with_its_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = make_store(tmp_path / "clips", damaged=1, failed=1)
    hurt = next(clip for clip in store.clips if clip.status == "damaged")
    whole = next(clip for clip in store.clips if clip.status == "ok")
    heights = []
    for clip in (hurt, whole):
        assert main(["show", str(store.folder), clip.id, "--out", str(tmp_path / "clip.png")]) == 0
        heights.append(imread(tmp_path / "clip.png").shape[0])
    assert heights[0] == heights[1] + 20, "a line more for the damage"
    lost = next(clip for clip in store.clips if clip.status == "failed")
    assert main(["show", str(store.folder), lost.id, "--out", str(tmp_path / "lost.png")]) == 4
    assert "no frame could be decoded" in capsys.readouterr().err
    assert not (tmp_path / "lost.png").exists()
