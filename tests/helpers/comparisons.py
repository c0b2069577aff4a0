"""Contents of result.json as `clipwise compare` leaves it, made up but believable: for pages and tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# name, title, what, rung, reads_order, adds_to, macro-F1 with all clips, train-test gap, parameters
_HEADS: tuple[tuple[str, str, str, int | None, bool, str | None, float, float, int], ...] = (
    ("majority", "majority class", "Always says the class with the most training clips.", 1, False, None,
     0.182, 0.0, 0),
    ("single_frame", "single frame + linear", "Looks at the middle frame alone and draws straight lines "
     "between the classes (logistic regression).", 2, False, "majority", 0.612, 0.31, 5124),
    ("mean", "mean + linear", "The same on the average of all frames: what is in the clip, whenever it is "
     "there.", 3, False, "single_frame", 0.701, 0.27, 5124),
    ("mean_std_difference", "mean, std, difference + linear", "Also sees how much each feature varies in the "
     "clip, and its last frame minus its first.", 4, True, "mean", 0.742, 0.25, 15364),
    ("attention_pooling", "attention pooling", "A weighted average of the frames, with weights that are "
     "learned from what a frame shows; blind to their order.", 5, False, "mean_std_difference", 0.694, 0.29,
     87172),
    ("lstm", "LSTM", "Reads the frames in their order with one LSTM layer, and averages its states.", 6, True,
     "attention_pooling", 0.751, 0.22, 344836),
    ("lstm2", "2x LSTM", "A second LSTM layer on top of the first.", 7, True, "lstm", 0.748, 0.23, 377860),
    ("lstm2_bi", "2x LSTM + Bi-LSTM", "A third layer that reads the clip forwards and backwards.", 8, True,
     "lstm2", 0.757, 0.24, 444164),
    ("attention", "+ additive attention", "Weighs the states by a learned attention instead of averaging "
     "them.", 9, True, "lstm2_bi", 0.749, 0.25, 460676),
    ("full", "+ time-distributed dense (full design)", "Shrinks each state to half its width before the "
     "attention: all parts of the design.", 10, True, "attention", 0.741, 0.25, 456580),
    ("lstm_last", "plain LSTM, last state", "One LSTM layer whose last state decides.", None, True, "lstm",
     0.722, 0.26, 344836),
    ("dot_attention", "full, dot-product attention", "The full design with the simpler attention.", None,
     True, "full", 0.735, 0.26, 448388),
    ("half_bidirectional", "full, Bi-LSTM with half the units", "The full design with half as many units in "
     "each direction.", None, True, "full", 0.744, 0.24, 410628),
    ("gru", "full, GRU for LSTM", "The full design with gated recurrent units, which have one gate less.",
     None, True, "full", 0.746, 0.23, 345220),
    ("convolution", "full, temporal convolution", "The full design with convolutions over three neighbouring "
     "frames instead of recurrent layers.", None, True, "full", 0.739, 0.27, 362628),
    ("default", "Clipwise's default", "The full design as `train` builds it without options.", None, True,
     "full", 0.768, 0.21, 215300),
)  # fmt: skip
_LINEAR = ("single_frame", "mean", "mean_std_difference")
LABELS = ("bridge_down", "bridge_up", "no_action", "train_in_out")
STRANGE_LABELS = (
    '<b onclick="x">다리</b>', "عربي مرحبا", "🎥🎬", "line\nfeed\x1b[31m", "l" + "o" * 200 + "ng",
    "{{ 7 * 7 }}", "not utf-8 \udcff",
)  # fmt: skip


def full(
    *,
    labels: Sequence[str] = LABELS,
    num_groups: int = 124,
    variants: Sequence[Mapping[str, Any]] | None = None,
    name: str = "tank_state",
) -> dict[str, Any]:
    """Everything that a comparison can hold but several kinds of features; see the others.

    Args:
        labels: of the classes.
        num_groups: below 20 nothing has an interval.
        variants: kinds of features; default: one.
        name: of the clips.
    """
    rng = np.random.default_rng(0)
    variants = variants or [_variant("mobilenet_v2")]
    sure = num_groups >= 20
    reference = variants[0]["name"]
    scores = {
        (variant["name"], row[0]): row[6] - 0.03 * number * (row[0] != "majority")
        for number, variant in enumerate(variants)
        for row in _HEADS
    }
    result = {
        "name": name,
        "version": "0.1.0",
        "data": {
            "num_clips": 496,
            "num_groups": num_groups,
            "labels": list(labels),
            "clips_per_class": {
                label: 496 // len(labels) + (index == 0) * (496 % len(labels))
                for index, label in enumerate(labels)
            },
            "num_frames": 12,
            "chance": 1 / len(labels),
            "notes": ["The test split was left alone: 98 clips that no head has seen."],
        },
        "plan": {
            "folds": 5, "repeats": 2, "seed": 0, "quick": False, "all_clips": False, "settings_per_head": 6,
            "fractions": [0.1, 0.25, 0.5, 1.0], "epochs": 20, "patience": 6,
        },
        "variants": list(variants),
        "heads": [_head(row) for row in _HEADS],
        "results": [
            _result(row, variant["name"], scores[variant["name"], row[0]], sure=sure, rng=rng)
            for variant in variants
            for row in _HEADS
        ],
        "pairs": [
            _pair(row, scores, variant["name"], sure)
            for variant in variants
            for row in _HEADS
            if row[5] is not None
        ],
        "curves": [
            {"variant": reference, "head": row[0], "points": _curve(row, sure)}
            for row in _HEADS
            if row[0] != "majority"
        ],
        "hidden_sizes": [
            {
                "variant": reference,
                "head": row[0],
                "points": [
                    {"hidden": size, "val_loss": _loss(row, step, sure)}
                    for step, size in enumerate((16, 32, 64, 128))
                ],
                "chosen": {"16": 1, "32": 2, "64": 5, "128": 2},
            }
            for row in _HEADS
            if row[0] not in ("majority", *_LINEAR)
        ],
        "fits": None,
        "claims": _claims(sure, num_groups),
        "verdict": {
            "supported": "mean_std_difference",
            "best": "lstm2_bi",
            "one_standard_error": 0.019 if sure else None,
            "shortfalls": {
                row[0]: {
                    "behind": round(0.757 - row[6], 4),
                    "allowed": round(0.019 + 0.001 * (10 - row[3]), 4) if sure else None,
                }
                for row in _HEADS
                if row[3] is not None and row[0] != "majority"
            },
            "above_chance": {"head": "default", "advantage": 0.528, "by_chance": 0.031, "found": True},
            "sentences": [
                {"topic": "head", "numbers": {}, "sentence": "This data supports mean, std, difference + "
                 "linear: it is the simplest head within one standard error of the best, 2x LSTM + Bi-LSTM "
                 "(macro-F1 0.742 against 0.757, standard error 0.019)."},
                {"topic": "order", "numbers": {}, "sentence": "Order matters here: with its frames shuffled, "
                 "LSTM loses 0.148 of macro-F1 (0.101 to 0.196)."},
                {"topic": "clips", "numbers": {}, "sentence": "More clips would probably help: from half of "
                 "the clips to all of them macro-F1 rose by 0.034 (0.011 to 0.058)."},
                {"topic": "shrink", "numbers": {}, "sentence": "Whether to shrink before attention makes no "
                 "difference that can be seen: -0.008 (-0.027 to +0.012)."},
            ],
        },
        "commands": [
            ["This comparison:", "clipwise compare clips --out comparison --weights mobilenet_v2.pth"],
            ["Train the head that this data supports:",
             "clipwise train clips --out RUN --config comparison/best.json"],
        ],
        "seconds": {"wall": 1483.2, "cpu": 2791.0},
    }  # fmt: skip
    return _as_read(result)


def quick() -> dict[str, Any]:
    """Nothing tuned, no learning curve."""
    result = full()
    result["plan"] |= {"quick": True, "settings_per_head": 1, "repeats": 1, "fractions": [1.0]}
    result |= {"curves": [], "hidden_sizes": [], "seconds": {"wall": 97.0, "cpu": 171.0}}
    for row in result["results"]:
        row["chosen"] = [dict(each, times=5) for each in row["chosen"][:1]]
    result["verdict"]["sentences"] = [
        each for each in result["verdict"]["sentences"] if each["topic"] != "clips"
    ]
    return result


def few_groups() -> dict[str, Any]:
    """No interval anywhere."""
    result = full(num_groups=9, labels=("left", "right"))
    result["verdict"] |= {
        "supported": None,
        "sentences": [
            {
                "topic": "head",
                "numbers": {},
                "sentence": "Which head the data supports cannot be told well: there are 9 groups, and below "
                "20 no standard error is given. The highest score has 2x LSTM + Bi-LSTM (macro-F1 0.757).",
            }
        ],
    }
    return result


def two_backbones() -> dict[str, Any]:
    """Two kinds of features."""
    result = full(variants=[_variant("mobilenet_v2"), _variant("resnet18", feature_dim=512)])
    result["verdict"]["sentences"].append(
        {
            "topic": "backbone",
            "numbers": {},
            "sentence": "mobilenet_v2 has the higher score with every head; the largest difference is 0.030.",
        }
    )
    return result


def three_fits() -> dict[str, Any]:
    """The same videos letterboxed, stretched and cropped."""
    fits = ("letterbox", "stretch", "crop")
    result = full(variants=[_variant("mobilenet_v2", fit=fit) for fit in fits])
    heads = ["mean", "mean_std_difference", "lstm2_bi", "full"]
    result["fits"] = {
        "heads": heads,
        "pairs": [
            {"head": head, "first": first, "second": second, "macro_f1": figure(gain, 0.012, True),
             "accuracy": figure(gain - 0.004, 0.011, True)}
            for head in heads
            for first, second, gain in (
                ("letterbox", "stretch", 0.031), ("letterbox", "crop", 0.058), ("stretch", "crop", 0.02),
            )
        ],
        "by_aspect": [
            {"aspect": aspect, "num_clips": clips, "head": head,
             "accuracy": {fit: figure(0.8 - loss * step, 0.02, True) for step, fit in enumerate(fits)},
             "differences": {fit: figure(loss * step, 0.01, True) for step, fit in enumerate(fits) if step}}
            for aspect, clips, loss in (("tall (under 3:4)", 88, 0.07), ("about square", 201, 0.004),
                                        ("wide (16:9 and more)", 207, 0.03))
            for head in heads
        ],
    }  # fmt: skip
    result["verdict"]["sentences"].append(
        {
            "topic": "fit",
            "numbers": {},
            "sentence": "Distortion costs 0.031 macro-F1 here (0.007 to 0.055, letterbox against stretch).",
        }
    )
    return _as_read(result)


def strange() -> dict[str, Any]:
    """Names and labels of all kinds, hostile ones among them."""
    result = full(labels=STRANGE_LABELS, name="<i>clips</i>\n\x1b[2J", variants=[_variant("<i>net</i>")])
    result["data"]["notes"] = ["<script>alert(1)</script> a note"]
    result["commands"] = [["This comparison:", "clipwise compare './<i>clips</i>' --out 'a b'"]]
    return result


def given() -> dict[str, Any]:
    """Features that were given instead of videos."""
    return full(
        labels=[str(number) for number in range(4)],
        variants=[{"name": "given", "backbone": "given", "fit": "", "feature_dim": 10}],
        name="features.npz",
    )


def bare() -> dict[str, Any]:
    """The least there can be: two heads, a hundred classes, nothing that is optional."""
    result = full(labels=[f"class {number}" for number in range(100)], num_groups=3)
    kept = ("majority", "mean")
    for key in ("heads", "results", "pairs", "curves", "hidden_sizes"):
        result[key] = [
            row for row in result[key] if row.get("name", row.get("head", row.get("first"))) in kept
        ]
    for row in result["results"]:
        row |= {"gap": None, "train_macro_f1": None, "chosen": [], "parameters": 0, "seconds_to_best": None}
    result |= {"pairs": [], "curves": [], "claims": [], "commands": []}
    result["data"]["notes"] = []
    result["plan"] |= {"folds": 3, "repeats": 1}
    result["verdict"] = {"supported": "majority", "best": "majority", "sentences": [
        {"topic": "head", "numbers": {}, "sentence": "Nothing here beats the majority class."}]}  # fmt: skip
    return result


def figure(mean: float, spread: float, sure: bool) -> dict[str, Any]:
    """A figure with an interval of about two standard errors on both sides, or without one."""
    interval = [round(mean - 2 * spread, 4), round(mean + 2.1 * spread, 4)] if sure else None
    return {"mean": round(mean, 4), "interval": interval, "se": round(spread, 4) if sure else None}


def _variant(backbone: str, *, fit: str = "letterbox", feature_dim: int = 1280) -> dict[str, Any]:
    name = backbone if fit == "letterbox" else f"{backbone}, {fit}"
    return {"name": name, "backbone": backbone, "fit": fit, "feature_dim": feature_dim}


def _head(row: tuple[Any, ...]) -> dict[str, Any]:
    name, title, what, rung, reads_order, adds_to = row[:6]
    place = "beside" if rung is None else "ladder"
    return {
        "name": name, "title": title, "what": what, "place": place, "rung": rung,
        "reads_order": reads_order, "adds_to": adds_to,
    }  # fmt: skip


def _result(
    row: tuple[Any, ...], variant: str, score: float, *, sure: bool, rng: np.random.Generator
) -> dict[str, Any]:
    name, reads_order, gap, parameters = row[0], row[4], row[7], row[8]
    is_learned = name not in ("majority", *_LINEAR)
    cost = 0.148 + 0.01 * rng.standard_normal() if reads_order else 0.0
    setting: dict[str, Any] = {}
    if name in _LINEAR:
        setting = {"penalty": 10.0}
    elif is_learned:
        setting = {"hidden": 64, "learning_rate": 0.001, "dropout": 0.3}
    return {
        "variant": variant,
        "head": name,
        "macro_f1": figure(score, 0.0 if name == "majority" else 0.019, sure and name != "majority"),
        "accuracy": figure(score + 0.05, 0.017, sure),
        "balanced_accuracy": figure(score + 0.01, 0.02, sure),
        "log_loss": figure(1.6 - 1.2 * score, 0.05, sure),
        "train_macro_f1": round(score + gap, 4),
        "gap": figure(gap, 0.02, sure and name != "majority"),
        "epochs_to_best": {"mean": 11.4, "low": 4, "high": 29, "at_end": 0, "num_fits": 10}
        if is_learned
        else None,
        "seconds_to_best": round(0.2 + 2e-5 * parameters, 3),
        "parameters": parameters,
        "chosen": [
            {"setting": setting, "times": 7 if is_learned else 10},
            *([{"setting": {**setting, "dropout": 0.5}, "times": 3}] if is_learned else []),
        ]
        if setting
        else [],
        "shuffled_macro_f1": round(score - cost, 4) if name != "majority" else None,
        "shuffle_cost": figure(cost, 0.023 if reads_order else 0.0, sure) if name != "majority" else None,
        "attention": {"top_frame_gain": figure(0.012, 0.009, sure)}
        if name in ("attention", "full", "attention_pooling")
        else None,
    }


def _pair(
    row: tuple[Any, ...],
    scores: Mapping[tuple[str, str], float],
    variant: str,
    sure: bool,
) -> dict[str, Any]:
    difference = scores[variant, row[0]] - scores[variant, row[5]]
    return {
        "variant": variant,
        "first": row[0],
        "second": row[5],
        "macro_f1": figure(difference, 0.011, sure),
        "accuracy": figure(difference * 0.9, 0.01, sure),
        "balanced_accuracy": figure(difference * 0.95, 0.01, sure),
        "log_loss": figure(-difference * 1.2, 0.02, sure),
    }


def _curve(row: tuple[Any, ...], sure: bool) -> list[dict[str, Any]]:
    fall = 0.3 if row[4] else 0.12
    return [
        {
            "fraction": fraction,
            "num_clips": clips,
            "macro_f1": figure(row[6] - fall * (1 - fraction) ** 2, 0.02 + 0.02 * (1 - fraction), sure),
            "accuracy": figure(row[6] + 0.05 - fall * (1 - fraction) ** 2, 0.02, sure),
        }
        for fraction, clips in ((0.1, 32), (0.25, 79), (0.5, 159), (1.0, 317))
    ]


def _loss(row: tuple[Any, ...], step: int, sure: bool) -> dict[str, Any]:
    return figure(1.1 - row[6] * 0.6 + 0.02 * (step - 2) ** 2, 0.03, sure)


def _claims(sure: bool, num_groups: int) -> list[dict[str, Any]]:
    if not sure:
        return [
            {"claim": claim, "answer": "cannot be told", "numbers": {},
             "sentence": f"There are {num_groups} groups; below 20 no interval is given."}
            for claim in ("lower error", "less overfitting", "fewer epochs", "readable decisions")
        ]  # fmt: skip
    return [
        {"claim": "lower error", "answer": "depends", "numbers": {}, "sentence": "The full design against "
         "the plain LSTM: accuracy +0.017 (-0.004 to +0.038), 496 clips of 124 groups."},
        {"claim": "less overfitting", "answer": "false", "numbers": {}, "sentence": "Its train-test gap is "
         "larger by 0.012 (0.003 to 0.021), 496 clips of 124 groups."},
        {"claim": "fewer epochs", "answer": "true", "numbers": {}, "sentence": "It reached its best 4.1 "
         "epochs sooner (1.2 to 7.3), over 10 fits."},
        {"claim": "readable decisions", "answer": "cannot be told", "numbers": {}, "sentence": "Attention "
         "names a frame that counts more than a random one by 0.012 (-0.006 to +0.031)."},
    ]  # fmt: skip


def _as_read(result: dict[str, Any]) -> dict[str, Any]:
    """As it comes from a file: keys of objects are sorted there, so no order of them may be counted on."""
    read: dict[str, Any] = json.loads(json.dumps(result, sort_keys=True))
    return read


ALL = {
    "full": full,
    "quick": quick,
    "few groups": few_groups,
    "two backbones": two_backbones,
    "three fits": three_fits,
    "strange": strange,
    "given": given,
    "bare": bare,
}
"""Name -> what makes it."""
