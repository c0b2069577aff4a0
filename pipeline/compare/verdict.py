"""The verdict of a comparison: which head, does order matter, would more clips help, and the four claims."""

from typing import Any

from pipeline.compare.claims import FoldFacts, claims
from pipeline.compare.evidence import Evidence
from pipeline.compare.figure import Figure
from pipeline.compare.finding import Finding, Scoreboard
from pipeline.compare.findings import clips_finding, head_finding, order_finding, shrink_finding
from pipeline.compare.heads import FULL, HEADS, MAJORITY, PLAIN_LSTM
from pipeline.compare.rule import SupportedRung, supported_rung
from pipeline.compare.scorer import PRIMARY, Scored

_HALF = 0.5


def scoreboard(evidence: Evidence, variant: str) -> Scoreboard:
    """All heads on one kind of features, and the rung that they support."""
    heads = evidence.heads_of(variant)
    answers = {head.name: evidence.pooled(variant, head.name) for head in heads}
    scored = {name: evidence.scorer.score(each) for name, each in answers.items()}
    shuffled = {
        name: evidence.scorer.score_shuffled(each)
        for name, each in answers.items()
        if each.shuffled is not None
    }
    return Scoreboard(
        scorer=evidence.scorer,
        scored=scored,
        shuffled=shuffled,
        reads_order=frozenset(head.name for head in heads if head.reads_order),
        titles={head.name: head.title for head in heads},
        rung=_rung(evidence, scored),
    )


def _rung(evidence: Evidence, scored: dict[str, Scored]) -> SupportedRung:
    """Of the ladder; where only heads beside it are compared, they take its place in their order."""
    ladder = {name: each for name, each in scored.items() if HEADS[name].place == "ladder"}
    beside = {name: each for name, each in scored.items() if name not in ladder}
    if len(ladder) < 2:
        ladder, beside = scored, {}
    return supported_rung(evidence.scorer, ladder, majority=MAJORITY, beside=beside)


def sentences(evidence: Evidence, board: Scoreboard, effects: dict[str, Any] | None) -> list[Finding]:
    """All findings, in the order in which they are read."""
    found = [head_finding(board), order_finding(board)]
    if _HALF in evidence.plan.fractions:
        part = {
            name: evidence.scored(evidence.reference, name, fraction=_HALF)
            for name in board.scored
            if all(key in evidence.answers for key in evidence.keys(evidence.reference, name, fraction=_HALF))
        }
        found.append(clips_finding(board, part, fraction=_HALF))
    shrink = shrink_finding(board)
    if shrink is not None:
        found.append(shrink)
    found += _backbone_findings(evidence, board)
    if effects is not None:
        found += _fit_findings(board, effects)
    return found


def claims_of(evidence: Evidence, board: Scoreboard) -> list[dict[str, Any]]:
    """The four claims; none where the full design or the plain LSTM was not compared."""
    variant = evidence.reference
    if not {FULL, PLAIN_LSTM} <= set(board.scored):
        return []
    facts = {}
    for name in (FULL, PLAIN_LSTM):
        epochs = evidence.epochs_to_best(variant, name)
        assert epochs is not None  # noqa: S101 - both are trained in epochs
        trained = evidence.trained_macro_f1(variant, name)
        facts[name] = FoldFacts(trained=trained, epochs=epochs, most_epochs=evidence.options.epochs)
    found = claims(
        board,
        full=FULL,
        plain=PLAIN_LSTM,
        facts=facts,
        top_frame_gains=evidence.top_frame_gains(variant, FULL),
        test_share=evidence.plan.test_share,
    )
    return [claim.to_dict() for claim in found]


def _backbone_findings(evidence: Evidence, board: Scoreboard) -> list[Finding]:
    """Each further backbone by its best head, against the best head of the reference."""
    reference = evidence.variants[0]
    found = []
    for other in evidence.variants[1:]:
        if other.fit != reference.fit:
            continue
        theirs = scoreboard(evidence, other.name)
        own_best, best = (
            each.best_of([name for name in each.scored if name != MAJORITY]) for each in (board, theirs)
        )
        figure = evidence.scorer.differences(theirs.scored[best], board.scored[own_best])[PRIMARY]
        found.append(
            Finding(
                topic="backbone",
                answer=_better(figure),
                sentence=f"With the backbone {other.name} the best head ({theirs.titles[best]}) has a "
                f"macro-F1 of {theirs.macro_f1(best):.3f}, with {reference.name} ({board.titles[own_best]}) "
                f"{board.macro_f1(own_best):.3f}: {_words(figure)} ({board.over}; both heads were picked "
                "on these clips).",
                numbers={
                    **board.size,
                    "backbone": other.name,
                    "reference": reference.name,
                    "difference": figure.to_dict(),
                },
            )
        )
    return found


def _fit_findings(board: Scoreboard, effects: dict[str, Any]) -> list[Finding]:
    """The way the store fits frames against each other way, by the head that does best here."""
    head = board.best_of([name for name in effects["heads"] if name in board.scored])
    found = []
    for row in effects["pairs"]:
        if row["head"] != head:
            continue
        values = row["macro_f1"]
        figure = Figure(
            mean=values["mean"],
            interval=tuple(values["interval"]) if values["interval"] else None,
            se=values["se"],
        )
        found.append(
            Finding(
                topic="fit",
                answer=_better(figure),
                sentence=f"Frames fitted by {row['first']} instead of {row['second']}: {_words(figure)} in "
                f"macro-F1 ({board.titles[head]}; {board.over}).",
                numbers={**board.size, **row},
            )
        )
    return found


def _better(figure: Figure) -> str:
    if figure.interval is None:
        return "cannot be told"
    return "better" if figure.surely_above else "worse" if figure.surely_below else "no sure difference"


def _words(figure: Figure) -> str:
    surely = {
        "better": "surely better",
        "worse": "surely worse",
        "no sure difference": "no sure difference",
        "cannot be told": "how sure that is cannot be told",
    }
    return f"{surely[_better(figure)]}, {figure.words()}"
