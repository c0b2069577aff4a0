"""From records of what was read to the rows of clips.csv: groups, splits, and clips that are gone."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.clips.clip import Clip, Split
from pipeline.clips.extracted import Extracted
from pipeline.clips.journal import Records
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


@dataclass(frozen=True, kw_only=True)
class _Made:
    """One clip and the source that it was made from."""

    source: Source
    record: Extracted

    @property
    def group(self) -> str:
        """The group as given; otherwise the file's bytes, or its path where they cannot be read."""
        if self.source.group:
            return self.source.group
        return f"sha256:{self.record.sha256[:16]}" if self.record.sha256 else f"path:{self.source.path}"


def make_table(listed: SourceList, previous: Previous, rule: SplitRule, records: Records) -> Table:
    """Makes the table of a store.

    Args:
        listed: all sources.
        previous: the table of before: its splits stay.
        rule: how splits are made.
        records: what became of each source.
    """
    made = [_Made(source=source, record=record) for source in listed.sources for record in records[source.id]]
    gone = previous.not_in({it.record.id for it in made})
    splits, notes = _deal(made, previous, rule, gone)
    clips = [_clip(it, splits[it.record.id]) for it in made]
    usable = {clip.label for clip in clips if clip.is_usable}
    notes += [
        f"class {label!r} has no clip that can be used." for label in listed.labels if label not in usable
    ]
    newly_gone = [clip for clip in gone if clip.id in previous.listed_ids]
    if newly_gone:
        notes.append(
            f"{len(newly_gone)} clips are no longer listed, or their video became shorter, such as "
            f"{newly_gone[0].path}: their frames are kept, but nothing uses them (status skipped)."
        )
    versions = _versions([it.record for it in made], notes)
    return Table(clips=(*clips, *gone), versions=versions, notes=tuple(notes))


def _deal(
    made: list[_Made], previous: Previous, rule: SplitRule, gone: list[Clip]
) -> tuple[dict[str, Split], list[str]]:
    keys = {it.record.id: {it.group} for it in made}
    for it in made:
        if it.record.sha256:
            keys[it.record.id].add(f"sha256:{it.record.sha256[:16]}")
    # A clip that came back under another name joins the side on which its bytes stood.
    keys |= {
        clip.id: {clip.group, f"sha256:{clip.sha256[:16]}"} for clip in gone if clip.is_usable or clip.sha256
    }
    groups = merge_groups(keys)
    kept = dict(previous.splits)
    sides = {groups[clip.id]: clip.split for clip in gone if clip.id in groups}
    for it in made:
        if it.record.id not in kept and groups[it.record.id] in sides:
            kept[it.record.id] = sides[groups[it.record.id]]
    dealt = [Dealt(id=it.record.id, label=it.source.label, group=groups[it.record.id]) for it in made]
    failed = {it.record.id for it in made if it.record.status == "failed"}
    return rule.assign(
        usable=[clip for clip in dealt if clip.id not in failed],
        failed=[clip for clip in dealt if clip.id in failed],
        given={it.record.id: it.source.split for it in made},
        kept=kept,
    )


def _clip(made: _Made, split: Split) -> Clip:
    record = made.record
    assert record.status in ("ok", "damaged", "failed")  # noqa: S101 - the others end in preprocess
    return Clip(
        id=record.id,
        path=made.source.path,
        label=made.source.label,
        split=split,
        group=made.group,
        status=record.status,
        reason=record.reason,
        **record.of_clip(),
    )


def _versions(records: Iterable[Extracted], notes: list[str]) -> dict[str, str]:
    pairs = sorted({(it.cv2_version, it.ffmpeg_version) for it in records if it.cv2_version})
    if len(pairs) > 1:
        notes.append(
            f"clips were read by different versions of OpenCV ({', '.join(pair[0] for pair in pairs)}); "
            "their pixels may differ by rounding. Preprocess into a new folder to have them all alike."
        )
    return {"cv2": "; ".join(pair[0] for pair in pairs), "ffmpeg": "; ".join(pair[1] for pair in pairs)}
