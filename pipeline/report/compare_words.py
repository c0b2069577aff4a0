"""What a comparison was and what it says, in plain sentences: for the page."""

from collections.abc import Mapping
from typing import Any

from pipeline.evaluation.baselines import MAJORITY
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL
from pipeline.report.compare_result import CompareResult, Figure, counted, listed, sign

TOPICS = {
    "head": "The head",
    "order": "Order of the frames",
    "clips": "More clips",
    "shrink": "Shrinking before attention",
    "backbone": "Backbone",
    "fit": "Letterbox, stretch or crop",
}
"""What a sentence of the verdict is about."""


def question(comparison: CompareResult) -> str:
    """What was asked, for someone who has met none of the words."""
    step, of = "step", "given with the clips"
    if not comparison.is_given:
        step = "frame"
        of = f"made by a ready-made network, the backbone ({listed(comparison.backbones())})"
    return (
        f"A clip is {counted(int(comparison.result['data']['num_frames']), step)}, and of each {step} there "
        f"are numbers that describe it, {of}. What turns these numbers into an answer is the head. It can be "
        f"as simple as an average, or have millions of weights and read the {step}s in their order. A larger "
        "head can learn more, and with few clips it can also learn by heart what does not hold for new ones. "
        "So the question is: which head do these clips support?"
    )


def features_words(comparison: CompareResult) -> str:
    """What the heads read."""
    return "features that were given" if comparison.is_given else f"the features of {comparison.reference}"


def best_head(comparison: CompareResult) -> str:
    """Whose options best.json holds; nothing where there is no head worth training."""
    name = comparison.supported or comparison.best
    if name is None or name == MAJORITY:
        return ""
    which = "the head that these clips support" if comparison.supported else "the head with the best score"
    return f"{which}, {comparison.title(name)}"


def clips_sentence(comparison: CompareResult) -> str:
    """Which clips: how many, of how many groups and classes."""
    data = comparison.result["data"]
    groups = int(data["num_groups"])
    said = (
        f"{counted(int(data['num_clips']), 'clip')} of {counted(len(data['labels']), 'class', 'classes')}, "
        f"from {counted(groups, 'group')}."
    )
    if groups == int(data["num_clips"]):
        return f"{said} Each clip is a group of its own: none is taken to depend on another."
    return (
        f"{said} A group is what belongs together, such as all clips of one person, camera or source, or "
        "copies of one file: they resemble each other more than new clips will."
    )


def plan_sentences(comparison: CompareResult) -> list[str]:
    """How the heads were compared."""
    plan = comparison.result["plan"]
    repeats = int(plan["repeats"])
    times = "" if repeats == 1 else f" This was done {repeats} times over, each time dealt anew."
    found = [
        f"The clips were dealt to {plan['folds']} sets, the folds. Each fold was held back once, while every "
        f"head learned from the others; then it was asked about the clips held back.{times} Clips of one "
        "group never stand on both sides.",
        "All heads had the same folds, the same random numbers and the same budget: "
        f"at most {counted(int(plan['epochs']), 'epoch')}, and an end once "
        f"{counted(int(plan['patience']), 'epoch')} brought nothing better. An epoch is one pass over the "
        "clips learned from, and up to eight where they are very few. The simplest heads, those called "
        "linear, need no epochs: their best weights are worked out.",
    ]
    if comparison.is_quick:
        found.append(
            "Each head was tried with one usual setting (`--quick`): nothing was tuned, so a head may be "
            "better than it looks here."
        )
    else:
        found.append(
            f"Of each head up to {plan['settings_per_head']} settings were tried. Inside each fold, the one "
            "with the lowest loss on validation clips was kept, clips that are neither learned from nor held "
            "back. The clips held back chose nothing."
        )
    return found


def why_no_intervals(comparison: CompareResult) -> str:
    """Why no figure has an interval; nothing where they have."""
    if comparison.has_intervals:
        return ""
    return (
        f"There are no intervals here: the clips come from {counted(comparison.num_groups, 'group')}, and "
        f"with fewer than {MIN_GROUPS_FOR_INTERVAL} an interval would promise too much. Take small "
        "differences for chance."
    )


def pairs_summary(comparison: CompareResult) -> str:
    """How many steps are surely better or worse."""
    signs = [sign(decides(pair)) for pair in comparison.pairs()]
    if not comparison.has_intervals:
        return ""
    ways = ((1, "surely better"), (-1, "surely worse"), (0, "not told apart"))
    said = listed([f"{signs.count(way) or 'none'} {words}" for way, words in ways])
    return f"Of {counted(len(signs), 'comparison')}: {said}."


def decides(pair: Mapping[str, Any]) -> Figure:
    """The difference that a pair is judged by: in macro-F1, against the majority in balanced accuracy.

    Tossing a coin has more macro-F1 than always saying one class, and as much balanced accuracy.
    """
    by_chance = pair["second"] == MAJORITY and "balanced_accuracy" in pair
    figure: Figure = pair["balanced_accuracy" if by_chance else "macro_f1"]
    return figure


def by_words(pair: Mapping[str, Any]) -> str:
    """What a pair is judged by, where that is not macro-F1."""
    return " (By balanced accuracy.)" if pair["second"] == MAJORITY else ""


def pair_words(figure: Figure) -> str:
    """What the difference of two heads says, the first one's score minus the second one's."""
    way, difference = sign(figure), figure["mean"]
    size = f"{abs(difference):.3f}"
    if way is None:
        higher = f"{'Higher' if difference > 0 else 'Lower'} by {size}" if size != "0.000" else "The same"
        return f"{higher}; whether by chance cannot be told."
    if figure["interval"] == [0, 0]:
        return "The same answer to every clip."
    if way == 0:
        return "Not told apart: the difference may be chance."
    return f"Surely {'better' if way > 0 else 'worse'}, by {size}."


def missing_words(comparison: CompareResult, what: str) -> str:
    """Why a section has nothing to show.

    Args:
        comparison: what was found.
        what: "curves" or "hidden_sizes".
    """
    if what == "curves":
        return "There is no learning curve: every head learned from all clips of a fold, never from fewer."
    if comparison.is_quick:
        return "No sizes were compared: `--quick` tries one setting of each head."
    return "No sizes were compared: no head here was tried in more than one size."


def limits(comparison: CompareResult) -> list[tuple[str, str]]:
    """What the figures mean and what they do not say: a name and a text each."""
    found: list[tuple[str, str]] = []
    if comparison.has_intervals:
        compared = len(comparison.pairs())
        found += [
            (
                "95 % interval",
                "Where the true figure can be expected, had other clips of this kind been used. It is found "
                "by drawing the groups again at random, many times, looking how much the figure changes, and "
                "widening that for what other clips to learn from would change. What is known of whole folds "
                "only, such as epochs, has its interval from how it differs between them. Where a head has "
                "not one mistake, nothing tells how sure that is: there is no interval. "
                f"About one interval in twenty misses, so of {counted(compared, 'comparison')} on this page "
                "one or another may mislead. Those of the log-loss miss more often where few clips have many "
                "features (one in five, in simulations).",
            ),
            (
                "as good as the best",
                "Of several heads that are equally good, one is ahead by luck. So a head counts as good as "
                "the best one of the ladder while it is behind by no more than luck explains: by one "
                "standard error of the best score, which is how far a score usually lies from the one that "
                "endless clips of this kind would give, or by what the best of so many equals is ahead, "
                "whichever is more.",
            ),
            (
                "supported",
                "The simplest head that is as good as the best. It is faster, easier to check, and learns "
                "less by heart. Another head may still be a little better; these clips do not show it.",
            ),
        ]
    return [
        *found,
        (
            "the best score",
            "The highest of many scores is a little too high: it was the highest partly by luck.",
        ),
        (
            "other clips",
            "The figures hold for clips like these and for about as many. Another camera, other people or "
            "ten times the clips can change the order of the heads.",
        ),
        *([] if comparison.is_given else [_NETWORK]),
        (
            "chance",
            "Guessing each class as often as it occurs gives a macro-F1 of "
            f"{comparison.result['data']['chance']:.3f}: 1 by the number of classes held back.",
        ),
    ]


_NETWORK = (
    "the features",
    "The network that describes the frames stays as it is here. Training it too (`train --finetune`) is "
    "another question.",
)

SCORE_WORDS: list[tuple[str, str]] = [
    (
        "macro-F1",
        "F1 of a class is high when its clips are found and answers of this class are right; macro-F1 is the "
        "mean over the classes, so that a rare one counts as much as a common one. 1 is perfect.",
    ),
    ("accuracy", "The share of clips with the right answer. 1 is perfect."),
    (
        "balanced accuracy",
        "The share of right answers in each class, averaged over the classes. Guessing, or always saying the "
        "same, gives 1 divided by the number of classes.",
    ),
    (
        "log-loss",
        "How surprised the head is by the true class: minus the logarithm of the probability that it gave "
        "it, on average. Less is better; being sure and wrong costs most.",
    ),
]
"""What the scores are."""


def seconds_words(seconds: float | None) -> str:
    """A time that is easy to read."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def epochs_words(epochs: Any) -> str:
    """How many epochs, and from how few to how many."""
    if epochs is None:
        return "-"
    low, high = epochs["low"], epochs["high"]
    words = f"{epochs['mean']:.1f}" + ("" if low == high else f" ({low:g} to {high:g})")
    return words + (f", {epochs['at_end']} of {epochs['num_fits']} at the last" if epochs["at_end"] else "")
