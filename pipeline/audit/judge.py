"""From what was seen to findings: how bad it is, a sentence for people, and what to do about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from pipeline.audit.duplicates import DuplicateSet, Kind
from pipeline.audit.finding import SEVERITIES, Finding, Severity
from pipeline.audit.first_frames import FirstFrames
from pipeline.audit.groups import Groups
from pipeline.audit.shortcuts import Shortcut, ShortcutCheck
from pipeline.clips.clip import SPLITS, Clip
from pipeline.clips.summary import Summary

_FEW_CLIPS = 10
_UNBALANCED = 10  # times as many clips in the largest class as in the smallest
_MANY_FAILED = 0.05
_STRONG = 0.5  # of the way from chance to always right
_WEAK = 0.05
_FIRST_FRAME = "bars of the first frame"

_COPIES: dict[Kind, tuple[str, str]] = {
    "bytes": ("identical files", "files with the same bytes"),
    "pixels": ("identical pictures", "different files whose clips are the same to the pixel"),
    "near": ("near duplicates", "clips of nearly the same pictures, moving alike"),
}


def judge(
    *,
    clips: Sequence[Clip],
    summary: Summary,
    duplicates: Sequence[DuplicateSet],
    groups: Groups,
    first_frames: FirstFrames,
    burned_in: Sequence[str],
    shortcuts: ShortcutCheck,
) -> tuple[Finding, ...]:
    """All findings, the worst first."""
    found = {shortcut.name for shortcut in shortcuts.found}
    findings = (
        _classes(summary),
        _unreadable(summary),
        *(_copies(kind, [it for it in duplicates if it.kind == kind]) for kind in _COPIES),
        _groups(groups),
        *_single_sources(groups),
        _shortcuts(shortcuts),
        _first_frames(clips, first_frames, predicts=_FIRST_FRAME in found),
        *_burned_in(clips, burned_in),
    )
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def _classes(summary: Summary) -> Finding:
    totals = {label: sum(counts.values()) for label, counts in summary.counts.items()}
    present = [split for split in SPLITS if any(counts[split] for counts in summary.counts.values())]
    missing = [
        f"{label} in {split}" for label, counts in summary.counts.items() for split in present
        if not counts[split]
    ]  # fmt: skip
    few = [label for label, total in totals.items() if total < _FEW_CLIPS]
    least, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
    text = (
        f"{sum(totals.values())} clips of {len(totals)} classes, {totals[least]} ({least}) to "
        f"{totals[most]} ({most}) a class"
    )
    severity: Severity = "ok"
    remedy = ""
    if totals[most] > _UNBALANCED * max(1, totals[least]):
        severity, remedy = (
            "note",
            "Judge by macro-F1 and class by class: accuracy follows the large classes.",
        )
    if missing:
        severity, text = "warning", f"{text}; no clip of {_listed(missing)}"
        remedy = "Add clips of these classes, or deal the splits anew: what is missing is not judged."
    elif few:
        severity, text = "warning", f"{text}; fewer than {_FEW_CLIPS} clips of {_listed(few)}"
        remedy = "Add clips: so few can neither be learned from nor be judged by."
    return Finding(
        name="classes", severity=severity, text=f"{text}.", remedy=remedy,
        facts={"counts": summary.counts, "missing": missing, "few": few},
    )  # fmt: skip


def _unreadable(summary: Summary) -> Finding:
    failed = Counter(clip.label for clip in summary.failed)
    usable = sum(sum(counts.values()) for counts in summary.counts.values())
    total = usable + len(summary.failed)
    text = f"{len(summary.failed)} of {total} videos gave no clip"
    text += f" ({_counted(failed)})" if failed else ""
    text += f"; {len(summary.damaged)} are damaged, and used" if summary.damaged else ""
    severity: Severity = "note" if summary.failed or summary.damaged else "ok"
    if len(summary.failed) > _MANY_FAILED * total:
        severity = "warning"
    remedy = (
        "See the reasons in clips.csv (columns status and reason); results say nothing about these videos."
    )
    facts = {"failed": len(summary.failed), "damaged": len(summary.damaged), "by_class": dict(failed)}
    return Finding(
        name="unreadable videos",
        severity=severity,
        text=f"{text}.",
        remedy="" if severity == "ok" else remedy,
        facts=facts,
    )


def _copies(kind: Kind, sets: Sequence[DuplicateSet]) -> Finding:
    name, what = _COPIES[kind]
    across = [it for it in sets if len(it.splits) > 1]
    mislabelled = [it for it in sets if len(it.labels) > 1]
    facts = {
        "sets": [
            {"paths": [clip.path for clip in it.clips], "splits": list(it.splits), "labels": list(it.labels),
             "likeness": round(it.likeness, 4)}
            for it in sets
        ],
        "across_splits": len(across),
        "across_classes": len(mislabelled),
    }  # fmt: skip
    if not sets:
        return Finding(name=name, severity="ok", text=f"no {what}.", facts=facts)
    number = sum(len(it.clips) for it in sets)
    text = f"{len(sets)} {_plural('set', len(sets))} of {what} ({number} clips)"
    remedy = "Keep one of each set, or give each set one group: copies count as often as they stand there."
    if across:
        text += f"; {len(across)} ACROSS SPLITS"
        remedy = (
            "Keep one of each set, or give each set one group and let the split be made anew: what is "
            "tested on was trained on."
        )
    if mislabelled:
        text += f"; {len(mislabelled)} WITH DIFFERENT LABELS"
        remedy += " Of a set with different labels all but one are wrong: correct them."
    severity: Severity = "problem" if across or mislabelled else "note"
    return Finding(name=name, severity=severity, text=f"{text}.", remedy=remedy, facts=facts)


def _groups(groups: Groups) -> Finding:
    shared = [*groups.shared, *groups.parted_videos]
    facts = {
        "given": len(groups.given),
        "ungrouped": groups.num_ungrouped,
        "shared": {group.name: group.counts for group in groups.shared},
        "parted_videos": [video.name for video in groups.parted_videos],
    }
    if shared:
        number = sum(sum(group.counts.values()) for group in shared)
        what = f"{len(groups.shared)} of {len(groups.given)} groups" if groups.shared else ""
        parted = f"{len(groups.parted_videos)} videos" if groups.parted_videos else ""
        text = f"{' and '.join(filter(None, (what, parted)))} ON BOTH SIDES of the split ({number} clips)"
        return Finding(
            name="groups", severity="problem", text=f"{text}: {_listed([group.name for group in shared])}.",
            remedy="Have the split made by groups (preprocess --regroup, into a new store): what this "
            "one says of a new camera, person or source is little.",
            facts=facts,
        )  # fmt: skip
    if not groups.given:
        return Finding(
            name="groups", severity="note",
            text="no groups were given: each file is taken to be independent of the others.",
            remedy="Where clips share a camera, a person or a source, say so when preprocessing.",
            facts=facts,
        )  # fmt: skip
    loose = f"; {groups.num_ungrouped} clips have none" if groups.num_ungrouped else ""
    text = f"{len(groups.given)} groups, none on two sides of the split{loose}."
    return Finding(name="groups", severity="ok", text=text, facts=facts)


def _single_sources(groups: Groups) -> tuple[Finding, ...]:
    labels = groups.single_source_labels
    if not labels:
        return ()
    return (
        Finding(
            name="classes of one source", severity="warning",
            text=f"all clips of {_listed(labels)} come from one group.",
            remedy="Add clips of other sources: it cannot be told from its camera, person or place.",
            facts={"labels": list(labels)},
        ),
    )  # fmt: skip


def _shortcuts(check: ShortcutCheck) -> Finding:
    facts = asdict(check) | {"found": [shortcut.name for shortcut in check.found]}
    if check.reason:
        return Finding(
            name="shortcuts", severity="note", text=f"not checked: {check.reason}.",
            remedy="", facts=facts,
        )  # fmt: skip
    if not check.found:
        return Finding(
            name="shortcuts", severity="ok",
            text=f"none of {len(check.shortcuts)} checks predicts the class better than chance.", facts=facts,
        )  # fmt: skip
    told = [f"{it.name} {it.accuracy:.2f}" for it in check.found]
    gain = max(_gain(it) for it in check.found)
    severity: Severity = "problem" if gain >= _STRONG else "warning" if gain >= _WEAK else "note"
    return Finding(
        name="shortcuts", severity=severity,
        text=f"balanced accuracy from one property alone (chance {check.found[0].chance:.2f}): "
        f"{_listed(told, at_most=10)}.",
        remedy="Make these properties alike in all classes (cut to one length, scale and encode alike, crop "
        "bars), or collect more. Length and bit rate may come of what happens: then they are no fault.",
        facts=facts,
    )  # fmt: skip


def _gain(shortcut: Shortcut) -> float:
    return (shortcut.accuracy - shortcut.chance) / max(1e-9, 1 - shortcut.chance)


def _first_frames(clips: Sequence[Clip], seen: FirstFrames, *, predicts: bool) -> Finding:
    label_of = {clip.id: clip.label for clip in clips}
    looked, differing = len(seen.by_clip), Counter(label_of[clip_id] for clip_id in seen.differing)
    of_class = Counter(label_of[clip_id] for clip_id in seen.by_clip)
    facts = {
        "looked_at": looked,
        "total": len(clips),
        "differing": differing.total(),
        "differing_by_class": {label: [differing[label], number] for label, number in of_class.items()},
        "predicts_class": predicts,
        "not_looked_at": dict(Counter(seen.missing.values())),
    }
    if not looked:
        return Finding(
            name="first frames", severity="note",
            text=f"not looked at: {seen.reason or 'no clip starts with its video'}.",
            remedy="Give the folder of the videos with --videos to have them looked at.", facts=facts,
        )  # fmt: skip
    counted = f"{looked} of {len(clips)} looked at" if looked < len(clips) else f"all {looked} looked at"
    if not differing:
        return Finding(
            name="first frames", severity="ok", text=f"none has bars that its clip has not ({counted}).",
            facts=facts,
        )  # fmt: skip
    shares = [f"{label} {differing[label]} of {number}" for label, number in of_class.items()]
    text = (
        f"the first frame of {differing.total()} videos has bars that the clip has not ({counted}): "
        f"{_listed(shares, at_most=6)}"
    )
    text += "; they PREDICT THE CLASS" if predicts else ""
    return Finding(
        name="first frames", severity="warning" if predicts else "note", text=f"{text}.",
        remedy="Clips are sampled at the centres of segments, which leaves frame 0 out of all but very short "
        "videos: keep it so, or cut the first frame off.",
        facts=facts,
    )  # fmt: skip


def _burned_in(clips: Sequence[Clip], burned_in: Sequence[str]) -> tuple[Finding, ...]:
    if not burned_in:
        return ()
    chosen = set(burned_in)
    counts = Counter(clip.label for clip in clips if clip.id in chosen)
    return (
        Finding(
            name="bars in the picture", severity="note",
            text=f"{len(burned_in)} of {len(clips)} clips have black bars in the picture itself: "
            f"{_counted(counts)}.",
            remedy="Crop them before preprocessing: the picture is smaller for them.",
            facts={"by_class": dict(counts)},
        ),
    )  # fmt: skip


def _counted(counts: Counter[str]) -> str:
    return _listed([f"{label} {number}" for label, number in counts.most_common()], at_most=6)


def _listed(names: Sequence[str], *, at_most: int = 4) -> str:
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most} more"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
