"""The answers of a verdict: which head, whether order matters, whether more clips help, shrinking or not."""

from collections.abc import Mapping

from pipeline.compare.finding import Finding, Scoreboard
from pipeline.compare.rule import behind_best
from pipeline.compare.scorer import PRIMARY, Scored

LITTLE = 0.05
"""A difference in macro-F1 that an interval reaches beyond is said to be still possible."""
FULL, WITHOUT_DENSE = "full", "attention"


def head_finding(board: Scoreboard) -> Finding:
    """Which rung this data supports: supported, nothing, or cannot be told."""
    rung, titles = board.rung, board.titles
    best, best_score = titles[rung.best], board.macro_f1(rung.best)
    numbers = {**rung.to_dict(), **board.size, "best_macro_f1": best_score}
    above = rung.above_chance
    if rung.supported is None:
        sentence = (
            f"Which head this data supports {board.too_few}. The highest macro-F1, {best_score:.3f}, was "
            f"that of {best}, which is a hint and no more."
        )
        return Finding(topic="head", answer="cannot be told", sentence=sentence, numbers=numbers)
    if not above.found:
        sentence = (
            f"Nothing here beats the majority: the best balanced accuracy is "
            f"{board.scorer.chance + above.advantage:.3f} ({titles[above.head]}), where guessing has "
            f"{board.scorer.chance:.3f} and the best of as many heads up to "
            f"{board.scorer.chance + (above.by_chance or 0.0):.3f} by luck ({board.over})."
        )
        return Finding(topic="head", answer="nothing", sentence=sentence, numbers=numbers)
    own, short = titles[rung.supported], rung.shortfalls[rung.supported]
    numbers["supported_macro_f1"] = board.macro_f1(rung.supported)
    if rung.supported == rung.best:
        has_beside = len(board.scored) > len(rung.shortfalls) + 1
        among = "the best on the ladder" if has_beside else "the best"
        sentence = f"This data supports {own}: its macro-F1, {best_score:.3f}, is {among}"
        names = list(rung.shortfalls)
        simpler = names[: names.index(rung.best)]
        if simpler:
            nearest = board.best_of(simpler)
            behind = rung.shortfalls[nearest]
            numbers["nearest_simpler"] = nearest
            sentence += (
                f", and every simpler head is surely behind it (the nearest, {titles[nearest]}, by "
                f"{behind.behind:.3f}; up to {behind.allowed:.3f} may be chance)"
            )
        else:
            sentence += ", and only the majority is simpler"
    else:
        sentence = (
            f"This data supports {own}, the simplest head that is not surely behind the best: its macro-F1 "
            f"is {board.macro_f1(rung.supported):.3f}, that of {best} {best_score:.3f}, and up to "
            f"{short.allowed:.3f} between them may be chance"
        )
    sentence += f" ({board.over})."
    ahead = board.ahead_of_ladder
    if ahead is not None:
        difference = board.difference(ahead, rung.best)
        numbers["beside"] = {"head": ahead, "macro_f1": difference.to_dict()}
        over_guessing = board.scorer.differences(board.scored[rung.best], board.scored["majority"])
        gain = over_guessing["balanced_accuracy"]
        numbers["ladder_over_guessing"] = gain.to_dict()
        on_ladder = f"it supports{sentence.removeprefix('This data supports')}"
        if not gain.surely_above:
            on_ladder = (
                f"no head is surely better than guessing ({best}: {gain.words()} in balanced accuracy)."
            )
        sentence = (
            f"This data supports {titles[ahead]}, which stands beside the ladder: its macro-F1, "
            f"{board.macro_f1(ahead):.3f}, is surely better than that of the best head on it, {best}, by "
            f"{difference.words()} ({board.over}). On the ladder {on_ladder}"
        )
    supported = str(board.supported)
    if FULL in board.scored and supported != FULL:
        difference = board.difference(FULL, supported)
        numbers["full"] = {"macro_f1": board.macro_f1(FULL), "difference": difference.to_dict()}
        sentence += (
            f" The {titles[FULL].lower()} has {board.macro_f1(FULL):.3f}: {difference.words()} against it."
        )
    return Finding(topic="head", answer="supported", sentence=sentence, numbers=numbers)


def order_finding(board: Scoreboard) -> Finding:
    """Whether the order of the frames matters.

    Answers: matters, used but not needed, does not matter, cannot be told. It matters where shuffling the
    frames surely costs the best head that reads their order something, and that head is surely ahead of the
    best head that cannot see it, by more than picking the best of several gives by chance.
    """
    names = [name for name in board.scored if name != "majority"]
    readers = [name for name in names if name in board.shuffled and name in board.reads_order]
    blind = [name for name in names if name not in board.reads_order]
    question = "Whether the order of the frames matters"
    if not readers or not blind:
        lacking = "reads" if not readers else "cannot see"
        why = f"no head that {lacking} their order was tried"
        if any(name in board.reads_order for name in names) and not readers:
            why = "the clips have one frame each"
        sentence = f"{question} cannot be told: {why}."
        return Finding(topic="order", answer="cannot be told", sentence=sentence, numbers=board.size)
    reader, other = board.best_of(readers), board.best_of(blind)
    cost = board.scorer.differences(board.scored[reader], board.shuffled[reader])[PRIMARY]
    lead = board.difference(reader, other)
    short = behind_best(board.scorer, board.scored[other], {name: board.scored[name] for name in readers})
    ahead = lead.surely_above and bool(short.surely)
    numbers = {
        **board.size,
        "reads_order": reader,
        "order_blind": other,
        "shuffle_cost": cost.to_dict(),
        "lead": lead.to_dict(),
        "lead_by_chance": short.allowed,
    }
    own, its = board.titles[reader], board.titles[other]
    costs = f"shuffling the frames costs {own} {cost.words()} in macro-F1"
    against = f"it is {lead.words()} ahead of {its}, the best head that cannot see the order"
    if not board.scorer.can_tell:
        answer, sentence = "cannot be told", f"{question} {board.too_few}."
    elif not board.rung.above_chance.found:
        answer, sentence = "cannot be told", f"{question} cannot be told: nothing here beats the majority."
    elif cost.surely_above and ahead:
        answer, sentence = "matters", f"The order of the frames matters: {costs}, and {against}."
    elif cost.surely_above:
        answer = "used but not needed"
        sentence = f"The order of the frames is used but not surely needed: {costs}, yet {against}."
    else:
        answer = "does not matter"
        sentence = f"The order of the frames was not found to matter: {costs}, which is not surely above 0"
        high = cost.interval[1] if cost.interval else 0.0
        sentence += f"; up to {high:+.3f} is still possible." if high > LITTLE else "."
        if ahead:
            sentence += f" Yet {against}: it sees something else that counts."
    sentence = sentence if answer == "cannot be told" else f"{sentence[:-1]} ({board.over})."
    return Finding(topic="order", answer=answer, sentence=sentence, numbers=numbers)


def clips_finding(board: Scoreboard, part: Mapping[str, Scored], *, fraction: float) -> Finding:
    """Whether more clips would help: what the step from a part of the clips to all of them gave.

    Args:
        board: the heads trained on all clips.
        part: the same heads trained on a part of them and judged on the same clips.
        fraction: that part, 0.5 for half.
    """
    rung, scorer, question = board.rung, board.scorer, "Whether more clips would help"
    numbers = {**board.size, "fraction": fraction}
    name = rung.best if board.supported in (None, "majority") else str(board.supported)
    if not scorer.can_tell or not rung.above_chance.found or name not in part:
        why = "cannot be told: it was not tried with fewer"
        if not scorer.can_tell:
            why = board.too_few
        elif not rung.above_chance.found:
            why = "cannot be told: nothing here beats the majority"
        return Finding(topic="clips", answer="cannot be told", sentence=f"{question} {why}.", numbers=numbers)
    gain = scorer.differences(board.scored[name], part[name])[PRIMARY]
    numbers |= {"head": name, "gain": gain.to_dict(), "overtaking": None}
    step = f"from {100 * fraction:g} % of the clips to all of them"
    own = f"the macro-F1 of {board.titles[name]} changed by {gain.words()}"
    if gain.surely_above:
        answer, sentence = "would help", f"More clips would probably help: {step} {own}"
    elif gain.interval is not None and gain.interval[1] > LITTLE:
        answer = "cannot be told"
        sentence = f"{question} cannot be told: {step} {own}"
    else:
        answer, sentence = "would help little", f"More clips of this kind would help little: {step} {own}"
    sentence += f" ({board.over})."
    rivals = [other for other in part if other in rung.shortfalls and other != name]
    if rivals and rung.above_chance.found:
        gains = {
            other: scorer.combined(((1.0, board.scored[other]), (-1.0, part[other])))
            for other in (name, *rivals)
        }
        faster = max(rivals, key=lambda other: gains[other].values[PRIMARY])
        if behind_best(scorer, gains.pop(name), gains).surely:
            more = scorer.contrast(((1.0, gains[faster]), (-1.0, board.scored[name]), (1.0, part[name])))[
                PRIMARY
            ]
            numbers["overtaking"] = {"head": faster, "gains_more_by": more.to_dict()}
            sentence += (
                f" {board.titles[faster]} gained {more.words()} more on the same step: with more clips it "
                "may come out ahead, so compare again then."
            )
    return Finding(topic="clips", answer=answer, sentence=sentence, numbers=numbers)


def shrink_finding(board: Scoreboard) -> Finding | None:
    """The full design against the same without its dense layer for each step; None: not both were tried."""
    if FULL not in board.scored or WITHOUT_DENSE not in board.scored:
        return None
    gain = board.difference(FULL, WITHOUT_DENSE)
    numbers = {**board.size, "gain": gain.to_dict()}
    what = "shrinking each frame's state before the attention (the dense layer)"
    if not board.scorer.can_tell:
        answer, sentence = "cannot be told", f"What {what} does {board.too_few}."
    else:
        answer, words = (
            ("helps", "helps")
            if gain.surely_above
            else ("harms", "harms")
            if gain.surely_below
            else ("no sure difference", "makes no sure difference")
        )
        capital = what[0].upper() + what[1:]
        sentence = f"{capital} {words}: {gain.words()} in macro-F1 ({board.over})."
    return Finding(topic="shrink", answer=answer, sentence=sentence, numbers=numbers)
