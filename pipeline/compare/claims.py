"""The four claims for the full design over a plain LSTM, each answered on this data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compare.figure import Figure, fold_figure
from pipeline.compare.finding import Scoreboard

LITTLE_SCORE, LITTLE_EPOCHS, LITTLE_GAIN = 0.02, 1.0, 0.01
"""A claim is false where its gain is surely less than this: macro-F1, epochs, probability."""
TRUE, FALSE, DEPENDS, UNKNOWN = "true", "false", "depends", "cannot be told"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim: what it says, and whether it holds here.

    Attributes:
        claim: in a few words.
        answer: true, false, depends or cannot be told.
        sentence: in plain words.
        numbers: JSON-ready.
    """

    claim: str
    answer: str
    sentence: str
    numbers: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "claim": self.claim,
            "answer": self.answer,
            "sentence": self.sentence,
            "numbers": self.numbers,
        }


@dataclass(frozen=True, kw_only=True)
class FoldFacts:
    """What is known of a head for each fold of each repeat, in the same order for all heads.

    Attributes:
        trained: macro-F1 on the clips trained on (n,).
        epochs: to the best validation loss (n,).
        most_epochs: that there may be.
    """

    trained: np.ndarray
    epochs: np.ndarray
    most_epochs: int


def claims(
    board: Scoreboard,
    *,
    full: str,
    plain: str,
    facts: Mapping[str, FoldFacts],
    top_frame_gains: np.ndarray | None,
    test_share: float,
) -> tuple[Claim, ...]:
    """Answers the four claims.

    Args:
        board: all heads.
        full: name of the full design.
        plain: name of the plain LSTM that it is to beat.
        facts: of both, by name.
        top_frame_gains: of each clip (N,), how much further the probability of the answer falls without
            the frame that has most attention than without another one; None: not measured.
        test_share: clips judged by clips trained on, in a fold.
    """
    if board.rung.above_chance.found is False:  # None: too few groups, as each claim says for itself
        why = f"Nothing here beats the majority, so no head is better in any way that counts ({board.over})."
        return tuple(
            Claim(claim=claim, answer=UNKNOWN, sentence=why, numbers=board.size)
            for claim in ("lower error", "less overfitting", "fewer epochs", "readable decisions")
        )
    own, other = facts[full], facts[plain]

    def paired(first: np.ndarray, second: np.ndarray) -> Figure:
        values = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
        return fold_figure(values, test_share=test_share, enough_groups=board.scorer.can_tell)

    trained = paired(own.trained, other.trained)
    gap = trained.minus(board.difference(full, plain))
    gaps = {
        side: float(np.mean(each.trained)) - board.macro_f1(name)
        for side, name, each in (("full", full, own), ("plain", plain, other))
    }
    at_end = sum(int((each.epochs >= each.most_epochs).sum()) for each in (own, other))
    heads = f"{board.titles[full]} against {board.titles[plain]}"
    capital = heads[0].upper() + heads[1:]
    return (
        _lower_error(board, full, plain, capital),
        _less(
            board,
            "less overfitting",
            gap,
            sentence=f"Macro-F1 in training minus that held back, {heads}",
            means=gaps,
            little=LITTLE_SCORE,
            digits=3,
            num_folds=len(own.trained),
        ),
        _less(
            board,
            "fewer epochs",
            paired(own.epochs, other.epochs),
            sentence=f"Epochs to the best validation loss, {heads}",
            means={"full": float(np.mean(own.epochs)), "plain": float(np.mean(other.epochs))},
            little=LITTLE_EPOCHS,
            digits=1,
            num_folds=len(own.epochs),
            note=f"; {at_end} of {2 * len(own.epochs)} fits were best at the last epoch allowed"
            if at_end
            else "",
        ),
        _readable(board, top_frame_gains),
    )


def _lower_error(board: Scoreboard, full: str, plain: str, heads: str) -> Claim:
    found = board.scorer.differences(board.scored[full], board.scored[plain])
    f1, accuracy = found["macro_f1"], found["accuracy"]
    if f1.interval is None:
        answer = UNKNOWN
    elif (f1.surely_above and accuracy.surely_below) or (f1.surely_below and accuracy.surely_above):
        answer = DEPENDS
    else:
        answer = _judged(f1, LITTLE_SCORE)
    why = {
        TRUE: "",
        FALSE: f"; a gain of {LITTLE_SCORE} is ruled out",
        DEPENDS: "; it depends on what is counted",
        UNKNOWN: _open(board, f1),
    }[answer]
    sentence = f"{heads}: {f1.words()} in macro-F1, {accuracy.words()} in accuracy ({board.over}){why}."
    numbers = {**board.size, "macro_f1": f1.to_dict(), "accuracy": accuracy.to_dict()}
    return Claim(claim="lower error", answer=answer, sentence=sentence, numbers=numbers)


def _less(
    board: Scoreboard,
    claim: str,
    difference: Figure,
    *,
    sentence: str,
    means: dict[str, float],
    little: float,
    digits: int,
    num_folds: int,
    note: str = "",
) -> Claim:
    """A claim that the full design has less of something."""
    answer = _judged(_negative(difference), little)
    why = {
        TRUE: "",
        FALSE: f"; less by {little:g} is ruled out",
        UNKNOWN: _open(board, difference),
    }[answer]
    text = (
        f"{sentence}: {means['full']:.{digits}f} and {means['plain']:.{digits}f}, "
        f"{difference.words(digits=digits)} ({num_folds} folds of {board.over}){why}{note}."
    )
    numbers = {**board.size, **means, "num_folds": num_folds, "difference": difference.to_dict()}
    return Claim(claim=claim, answer=answer, sentence=text, numbers=numbers)


def _readable(board: Scoreboard, gains: np.ndarray | None) -> Claim:
    claim = "readable decisions"
    if gains is None:
        sentence = "No head with attention was asked what its frames count for."
        return Claim(claim=claim, answer=UNKNOWN, sentence=sentence, numbers=board.size)
    gain = board.scorer.mean(gains)
    answer = _judged(gain, LITTLE_GAIN)
    why = {
        TRUE: "",
        FALSE: f"; more by {LITTLE_GAIN} is ruled out",
        UNKNOWN: _open(board, gain),
    }[answer]
    sentence = (
        "Without the frame that has most attention, the probability of the answer that was given falls more "
        f"than without another one by {gain.words()} ({board.over}){why}."
    )
    numbers = {**board.size, "top_frame_gain": gain.to_dict()}
    return Claim(claim=claim, answer=answer, sentence=sentence, numbers=numbers)


def _judged(gain: Figure, little: float) -> str:
    if gain.interval is None:
        return UNKNOWN
    if gain.surely_above:
        return TRUE
    return FALSE if gain.interval[1] < little else UNKNOWN


def _negative(figure: Figure) -> Figure:
    interval = None if figure.interval is None else (-figure.interval[1], -figure.interval[0])
    return Figure(mean=-figure.mean, interval=interval, se=figure.se)


def _open(board: Scoreboard, figure: Figure) -> str:
    """Why the answer is open, after the figures."""
    if not board.scorer.can_tell:
        return f"; {board.needs}"
    if figure.interval is None:
        return "; nothing shows how sure that is"
    return "; the interval holds both yes and no"
