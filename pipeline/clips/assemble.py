"""From records of what was read to the rows of clips.csv: groups, splits, and clips that are gone."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.clips.clip import Clip, Split
from pipeline.clips.extract import Extracted
from pipeline.clips.previous import Previous
from pipeline.clips.source import Source, SourceList
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.splits import Dealt, merge_groups


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a store, and what goes into its description.

    Attributes:
        clips: all rows.
        versions: of cv2 and FFmpeg.
        notes: what a person should know about them.
    """

    clips: tuple[Clip, ...]
    versions: dict[str, str]
    notes: tuple[str, ...]


def make_table(
    listed: SourceList, previous: Previous, rule: SplitRule, records: Mapping[str, Extracted]
) -> Table:
    """Makes the table of a store.

    Args:
        listed: all sources.
        previous: the table of before: its splits stay.
        rule: how splits are made.
        records: what became of each source.
    """
    gone = previous.not_in({source.id for source in listed.sources})
    splits, notes = _deal(listed, previous, rule, records, gone)
    clips = [_clip(source, records[source.id], splits[source.id]) for source in listed.sources]
    usable = {clip.label for clip in clips if clip.is_usable}
    notes += [
        f"class {label!r} has no clip that can be used." for label in listed.labels if label not in usable
    ]
    newly_gone = [clip for clip in gone if clip.id in previous.listed_ids]
    if newly_gone:
        notes.append(
            f"{len(newly_gone)} clips are no longer listed, such as {newly_gone[0].path}: their frames are "
            "kept, but nothing uses them (status skipped). List them again to use them."
        )
    versions = _versions(records, notes)
    return Table(clips=(*clips, *gone), versions=versions, notes=tuple(notes))


def _deal(
    listed: SourceList,
    previous: Previous,
    rule: SplitRule,
    records: Mapping[str, Extracted],
    gone: list[Clip],
) -> tuple[dict[str, Split], list[str]]:
    keys = {source.id: {_group(source, records[source.id])} for source in listed.sources}
    for source in listed.sources:
        if records[source.id].sha256:
            keys[source.id].add(f"sha256:{records[source.id].sha256[:16]}")
    # A clip that came back under another name joins the side on which its bytes stood.
    keys |= {
        clip.id: {clip.group, f"sha256:{clip.sha256[:16]}"} for clip in gone if clip.is_usable or clip.sha256
    }
    groups = merge_groups(keys)
    kept = dict(previous.splits)
    sides = {groups[clip.id]: clip.split for clip in gone if clip.id in groups}
    for source in listed.sources:
        if source.id not in kept and groups[source.id] in sides:
            kept[source.id] = sides[groups[source.id]]
    dealt = [Dealt(id=source.id, label=source.label, group=groups[source.id]) for source in listed.sources]
    return rule.assign(
        usable=[clip for clip in dealt if records[clip.id].status != "failed"],
        failed=[clip for clip in dealt if records[clip.id].status == "failed"],
        given={source.id: source.split for source in listed.sources},
        kept=kept,
    )


def _clip(source: Source, record: Extracted, split: Split) -> Clip:
    assert record.status in ("ok", "damaged", "failed")  # noqa: S101 - the others end in `_run`
    return Clip(
        id=source.id,
        path=source.path,
        label=source.label,
        split=split,
        group=_group(source, record),
        status=record.status,
        reason=record.reason,
        start_seconds=source.start_seconds,
        end_seconds=source.end_seconds,
        **record.of_clip(),
    )


def _group(source: Source, record: Extracted) -> str:
    """The group as given; otherwise the file's bytes, or its path where they cannot be read."""
    if source.group:
        return source.group
    return f"sha256:{record.sha256[:16]}" if record.sha256 else f"path:{source.path}"


def _versions(records: Mapping[str, Extracted], notes: list[str]) -> dict[str, str]:
    pairs = sorted({(it.cv2_version, it.ffmpeg_version) for it in records.values() if it.cv2_version})
    if len(pairs) > 1:
        notes.append(
            f"clips were read by different versions of OpenCV ({', '.join(pair[0] for pair in pairs)}); "
            "their pixels may differ by rounding. Preprocess into a new folder to have them all alike."
        )
    return {"cv2": "; ".join(pair[0] for pair in pairs), "ffmpeg": "; ".join(pair[1] for pair in pairs)}
