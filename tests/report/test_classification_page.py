"""The page of classified videos: what it says of each, what it leaves out, and names that stay text."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.evaluation.attention_finding import Advantage, AttentionFinding
from pipeline.inference.classification import Classification, FrameEvidence
from pipeline.inference.classifier import Classifier
from pipeline.inference.explanation import Explanation
from pipeline.labels import Labels
from pipeline.report import classification_page as page_module
from pipeline.report.charts import signed_bar
from pipeline.report.figures import probability
from pipeline.report.heat_map import overlay, place_words
from pipeline.report.page import line
from pipeline.report.video_section import points, time_words
from tests.helpers.browser import visit
from tests.helpers.markup import Reader, faults
from tests.helpers.pages import TrainedStore, classification_page, read_of
from tests.helpers.payloads import PAYLOADS

FAILED = Classification(path="gone.mp4", status="failed", error="it has no packets")


def with_falls(result: Classification, falls: list[float], shares: list[float]) -> Classification:
    frames = [
        FrameEvidence(index=i, time_seconds=2.5 * i, attention_weight=share, importance=fall)
        for i, (fall, share) in enumerate(zip(falls, shares, strict=True))
    ]
    return replace(result, frames=tuple(frames), label="down", probabilities={"down": 0.9, "other": 0.1})


def test_what_one_answer_rests_on(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    result = with_falls(result, [0.312, -0.04, 0.0, 0.1], [0.1, 0.2, 0.3, 0.4])
    text = classification_page(classifier, [result], tmp_path / "page.html")
    reader = Reader(text)
    assert faults(text) == []
    for said in (
        "What is in one.mp4?", "probability 0.900", "Frame 1 (0.00 s) matters most",
        "falls from 0.900 to 0.588", "1 · 0.00 s", "4 · 7.50 s", "left out", "attention",
        "A full bar of \"left out\" is 31.2 points",
    ):  # fmt: skip
        assert said in reader.text, said
    pairs = re.findall(
        r"<dt>left out</dt><dd>.*?<span>(.*?)</span>.*?<dt>attention</dt><dd>.*?<span>(.*?)</span>",
        text,
        re.S,
    )
    assert pairs == [("+31.2", "10.0 %"), ("-4.0", "20.0 %"), ("0.0", "30.0 %"), ("+10.0", "40.0 %")]
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(images) == 4 + 2 * 3
    assert images[1]["alt"] == "Frame 2 of 4, shown at 2.50 s"
    key_frames = set(classifier.explain(result).heat_maps)
    assert key_frames == {0, 3, 2}
    marks = [bool(it) for it in re.findall(r"<div class=\"when\"><span>.*?</span>(.*?)</div>", text, re.S)]
    assert marks == [index in key_frames for index in range(4)]
    for attributes in images:  # the bars above and below are cut off
        assert (attributes["width"], attributes["height"]) == ("16", "12")
        content = base64.b64decode((attributes["src"] or "").split(",")[1])
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape == (12, 16, 3)


def test_the_model_in_brief(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    reader = Reader(classification_page(classifier, [result], tmp_path / "page.html"))
    provenance = classifier.checkpoint.provenance
    validation = provenance["metrics"]["validation"]
    for said in (
        "run", f"SHA-256 {provenance['data']}", f"torch {provenance['versions']['torch']}", "down 6",
        f"{validation['accuracy']:.3f}", "Judged on 6 of 6 validation clips",
        validation["verdict"]["sentence"], *validation["notes"],
        "It knows 2 classes", "sees 4 frames", "lasted 0.8 to 0.8 seconds",
        classifier.calibration.temperature_reason.removeprefix("not fitted: "),
        classifier.calibration.threshold_reason,
    ):  # fmt: skip
        assert said in reader.text, said


def test_what_the_threshold_promises(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    stored: dict[str, Any] = {
        **classifier.calibration.to_dict(), "temperature": 1.5, "temperature_reason": "it helps",
        "wanted_precision": 0.9, "threshold": 0.99992, "threshold_reason": "49 of 49 are right",
    }  # fmt: skip
    classifier.checkpoint = replace(classifier.checkpoint, calibration=stored)
    classifier.calibration = type(classifier.calibration).from_dict(stored)
    text = Reader(classification_page(classifier, [replace(result, unsure=True)], tmp_path / "a.html")).text
    for said in (
        "below 0.9999, so that at least 90 % of the other answers are right: 49 of 49 are right",
        "yes, with a temperature of 1.50: it helps", "take this as no answer",
    ):  # fmt: skip
        assert said in text, said
    classifier.calibration = replace(classifier.calibration, threshold=0.5)
    text = Reader(classification_page(classifier, [result], tmp_path / "b.html")).text
    assert "below 0.500. This threshold was chosen for this page (--threshold) and promises nothing" in text
    assert "49 of 49" not in text


@pytest.mark.parametrize("trusted", [True, False, None])
def test_attention_that_says_nothing_is_folded_away(
    classifier: Classifier, result: Classification, tmp_path: Path, trusted: bool | None
) -> None:
    low = {True: 0.1, False: -0.1, None: 0.0}[trusted]
    known = Advantage(mean=0.2, interval=None if trusted is None else (low, 0.3))
    finding = AttentionFinding(split="val", num_clips=49, num_groups=30, attention=known, leave_one_out=known)
    classifier.checkpoint = replace(classifier.checkpoint, explanations=finding.to_dict())
    text = classification_page(classifier, [result], tmp_path / "page.html")
    assert faults(text) == []
    shown, details, folded = text.partition("<details>")
    weights = [f"{100 * frame.attention_weight:.1f} %" for frame in result.frames]
    assert finding.attention_note in Reader(text).text
    assert ("was not found to tell better than chance which frames count: it is folded away" in shown) == (
        trusted is False
    )
    assert ("<dt>attention</dt>" in shown) == (trusted is not False)
    if trusted is False:
        assert [weight in folded for weight in weights] == [True] * 4
    else:
        assert details == ""


def test_a_model_without_attention(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    head = replace(classifier.checkpoint.model.head, pooling="mean")
    model = replace(classifier.checkpoint.model, head=head)
    classifier.checkpoint = replace(classifier.checkpoint, model=model)
    text = classification_page(classifier, [result], tmp_path / "page.html")
    assert "This model has no attention" in text
    assert "<dt>attention" not in text
    assert "<details>" not in text


def test_no_frame_decides(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    flat = with_falls(result, [0.0004, -0.009, 0.0, 0.001], [0.25] * 4)
    text = classification_page(classifier, [flat], tmp_path / "page.html")
    assert "No single frame decides: whichever is left out, the probability changes by 0.90 points at" in text
    assert re.findall(r"<dt>left out</dt><dd>.*?<span>(.*?)</span>", text, re.S) == [
        "+0.04", "-0.90", "0.00", "+0.10"
    ]  # fmt: skip
    against = with_falls(result, [0.0, -0.05, 0.0, 0.0], [0.25] * 4)
    text = classification_page(classifier, [against], tmp_path / "page.html")
    assert "Frame 2 (2.50 s) matters most: without it the probability rises from 0.900 to 0.950." in text


def test_a_backbone_without_maps(classifier: Classifier, result: Classification, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> Explanation:
        raise UsageError("at 16 px this backbone has no map of the frame")

    classifier.explain = refuse  # type: ignore[method-assign]
    text = classification_page(classifier, [result], tmp_path / "page.html")
    assert faults(text) == []
    assert "There are no heat maps: at 16 px this backbone has no map" in text
    assert text.count("<img ") == 4


def test_many_videos(trained: TrainedStore, classifier: Classifier, tmp_path: Path) -> None:
    reads = [read_of(trained[0], number) for number in range(3)]
    reads[1] = replace(reads[1], damage="1 of 8 frames could not be decoded")
    reads[2] = replace(reads[2], duration_seconds=80.0)
    results = [classifier.classify_clip(f"videos/{i}.mp4", read) for i, read in enumerate(reads)]
    results[0] = replace(results[0], unsure=True)
    classifier.calibration = replace(classifier.calibration, threshold=0.5)
    text = classification_page(classifier, [results[0], FAILED, *results[1:]], tmp_path / "page.html")
    reader = Reader(text)
    assert faults(text) == []
    for said in (
        "What is in these 4 videos?", "3. 2.mp4", "1 of 8 frames could not be decoded", "damaged video",
        "the video lasts 80.0 s, far more", "Failed videos", "gone.mp4", "it has no packets",
        "of them unsure",
    ):  # fmt: skip
        assert said in reader.text, said
    links = [attributes["href"] for tag, attributes in reader.tags if tag == "a"]
    assert [link for link in links if str(link).startswith("#video-")] == [
        "#video-1", "#video-1", "#video-2", "#video-3"
    ]  # fmt: skip
    assert re.search(r'videos/0\.mp4.*?<td class="long">unsure</td>', text, re.S)


def test_a_page_that_would_become_too_large(
    classifier: Classifier, result: Classification, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MAX_PICTURE_BYTES", 10_000)
    monkeypatch.setattr(page_module, "MAX_ROWS", 6)
    results = [replace(result, path=f"{number}.mp4") for number in range(8)]
    text = classification_page(classifier, [*results, *[FAILED] * 9], tmp_path / "page.html")
    reader = Reader(text)
    assert faults(text) == []
    shown = text.count('<section class="video"')
    assert 1 <= shown < 6
    assert text.count("<img ") == 10 * shown
    for said in (
        f"the frames of the first {shown} videos that were answered; with those of the other {8 - shown}",
        "The first 6 of 8 answers.", "the first 6 of 9",
    ):  # fmt: skip
        assert said in reader.text, said
    assert "5.mp4" in reader.text
    assert "6.mp4" not in reader.text


def hostile_page(classifier: Classifier, result: Classification, payload: str, path: Path) -> str:
    """A page on which the payload stands wherever a text from outside can stand."""
    labels = Labels.from_names(["other", payload])
    classifier.checkpoint = replace(
        classifier.checkpoint,
        labels=labels,
        provenance={
            "data": payload, "device": payload, "versions": {payload: payload}, "init_sha256": payload,
            "options": {"weights": f"file {payload}", "seed": payload}, "training_clips": {payload: payload},
            "metrics": {"validation": {
                "accuracy": payload, "macro_f1": 0.5, "split": payload, "num_used": payload,
                "notes": [payload],
                "verdict": {"sentence": payload, "baseline": payload}, "intervals": {"macro_f1": payload},
            }},
        },
    )  # fmt: skip
    classifier.calibration = replace(
        classifier.calibration, temperature_reason=payload, threshold_reason=payload
    )
    answered = replace(
        result, path=f"videos/{payload}", label=payload, probabilities={payload: 0.9, "other": 0.1},
        warnings=(payload,), unsure=True,
    )  # fmt: skip
    failed = Classification(path=payload, status="failed", error=payload)
    return classification_page(classifier, [answered, failed], path, model_name=payload)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_stays_text(
    classifier: Classifier, result: Classification, tmp_path: Path, payload: str
) -> None:
    text = hostile_page(classifier, result, payload, tmp_path / "page.html")
    assert faults(text) == []
    reader = Reader(text)
    assert reader.text.count(line(payload, 60)) + reader.text.count(line(payload, 80)) >= 6
    assert not set(text) & set("\0\x1b\x07\x7f\u202e\u2066\u2028\ufeff")


def test_nothing_runs_in_a_browser_and_nothing_is_asked_for(
    classifier: Classifier, result: Classification, tmp_path: Path
) -> None:
    """The policy of the pages is taken out, so that escaping alone has to hold."""
    spy = "<head><script>window.alert = () => { document.documentElement.dataset.ran = 'yes' }</script>"

    def unprotected(text: str) -> tuple[str, int]:
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", text)
        assert bare != text
        return bare.replace("<head>", spy, 1), 360

    pages = {
        str(number): unprotected(hostile_page(classifier, result, payload, tmp_path / "page.html"))
        for number, payload in enumerate(PAYLOADS)
    }
    # The same eyes see what does run and what is asked for.
    leak = "<main><img src=x onerror=alert(1)><img src=http://leak.example/pixel.png>"
    pages["leaky"] = (pages["0"][0].replace("<main>", leak, 1), 360)
    found = visit(pages, tmp_path)
    leaky = found.pages.pop("leaky")
    assert leaky["ran"] == "yes"
    assert "http://leak.example/pixel.png" in leaky["fetched"]
    assert "leak.example" in found.network
    for number, page in found.pages.items():
        told = repr(PAYLOADS[int(number)])
        assert (page["ran"], page["scripts"], page["fetched"]) == ("", 1, []), told
        assert page["scroll_width"] <= 360, f"the page scrolls sideways with {told}"
    assert found.console == ()
    assert "evil.example" not in found.network


def test_the_heat_is_in_the_picture_only() -> None:
    frame = np.full((80, 120, 3), 100, np.uint8)
    heat = np.full((80, 120), np.nan, np.float32)
    heat[20:60] = 0.0
    heat[24:36, 6:24] = 1.0
    drawn = overlay(frame, heat)
    assert (drawn[:19] == 100).all()
    assert (drawn[61:] == 100).all()
    assert drawn[50, 80].max() < 60, "dark where the map is 0"
    assert drawn[30, 15].max() > 120, "bright where it is 1"
    assert (drawn[24, 8:22] == 255).all(), "a line around the strong part"
    assert (frame == 100).all()
    assert place_words(heat) == "strongest at the upper left"
    assert place_words(heat[::-1, ::-1]) == "strongest at the lower right"
    middle = np.zeros((30, 30), np.float32)
    assert place_words(middle) == "nothing in it raises the score"
    middle[14:17, 14:17] = 0.2
    assert place_words(middle) == "strongest in the middle"
    middle[14:17] = 0.2
    assert place_words(middle[:, :20] + 0.2) == "spread over much of the picture"
    with pytest.raises(ValueError, match="does not fit"):
        overlay(frame, middle)


def test_figures_in_words() -> None:
    assert [points(fall, 1.0) for fall in (0.3125, -0.0004, 0.0, -1.0)] == ["+31.2", "0.0", "0.0", "-100.0"]
    assert [points(fall, 0.0005) for fall in (0.00041, -0.000002)] == ["+0.041", "0.000"]
    assert [time_words(at) for at in (0.0, 99.994, 99.996, 125.43, 3599.98)] == [
        "0.00 s", "99.99 s", "1 min 40.0 s", "2 min 05.4 s", "60 min 00.0 s"
    ]  # fmt: skip
    assert [probability(share) for share in (0.5, 0.9994, 0.99996, 0.9999999, 1.0)] == [
        "0.500", "0.999", "0.99996", "above 0.999999", "1.000"
    ]  # fmt: skip
    plus, minus = signed_bar(0.5, width_px=100), signed_bar(-2.0, width_px=100)
    assert 'x="50.0" y="3" width="24.5"' in plus
    assert 'fill="#b35c00"' in plus
    assert 'x="1.0" y="3" width="49.0"' in minus
    assert 'fill="none"' in minus
