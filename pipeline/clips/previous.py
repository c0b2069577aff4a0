"""What an earlier run left in a store's folder: a finished store, an unfinished one, or nothing."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.clips.clip import Clip, Split, parse_clips_csv
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.extracted import SHARED_FIELDS, Extracted
from pipeline.clips.journal import FOLDER, Records, journal_path, read_journal, write_journal
from pipeline.clips.source import SourceList
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.store import read_manifest
from pipeline.errors import ConflictError, StoreError, UsageError
from pipeline.spec import ClipSpec


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The state before this run.

    Attributes:
        folder: the store's.
        manifest: store.json, or {} when the store was never finished.
        clips: the rows of the finished table.
        spec: with which the clips were made; None: there are none.
        clip_rule: by which the clips were made; None: there are none.
        records: what is known of each source.
    """

    folder: Path
    manifest: dict[str, Any]
    clips: tuple[Clip, ...]
    spec: ClipSpec | None
    clip_rule: ClipRule | None
    records: Records

    @staticmethod
    def lies_in(folder: Path) -> bool:
        """Whether a folder is a store, finished or not."""
        return (folder / "store.json").is_file() or (folder / FOLDER).is_dir()

    @classmethod
    def read(cls, folder: Path) -> "Previous":
        """Reads it.

        Raises:
            StoreError: there is a store that cannot be understood.
        """
        made, records = read_journal(folder)
        home = folder if (folder / "store.json").exists() else _aside(folder).parent
        if not (home / "store.json").exists():
            spec, rule = _made(folder, made)
            return cls(folder=folder, manifest={}, clips=(), spec=spec, clip_rule=rule, records=records)
        manifest = read_manifest(home)
        spec, rule = _made(folder, manifest)
        try:
            clips = parse_clips_csv((folder / "clips.csv").read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{folder / 'clips.csv'} is missing or damaged ({error}). Preprocess into a new folder."
            ) from None
        versions = manifest.get("versions", {})
        if rule is not None and rule.windows is None:  # else a row does not tell from which source it was cut
            for clip in clips:
                if clip.id not in records and clip.status != "skipped":
                    records[clip.id] = (_record(clip, versions),)
        return cls(folder=folder, manifest=manifest, clips=clips, spec=spec, clip_rule=rule, records=records)

    @property
    def splits(self) -> dict[str, Split]:
        """The split of each clip of the finished table, skipped ones too."""
        return {clip.id: clip.split for clip in self.clips}

    @property
    def listed_ids(self) -> set[str]:
        """The clips that were listed in the last finished run."""
        return {clip.id for clip in self.clips if clip.status != "skipped"}

    def not_in(self, ids: set[str]) -> list[Clip]:
        """The clips that are made no more, as the rows they become; failed ones are forgotten."""
        gone = [clip for clip in self.clips if clip.id not in ids and clip.status != "failed"]
        return [
            clip if clip.status == "skipped" else replace(clip, status="skipped", reason="no longer listed")
            for clip in gone
        ]

    def check(self, listed: SourceList, spec: ClipSpec, clip_rule: ClipRule, rule: SplitRule) -> None:
        """Refuses a run that does not fit what is there.

        Raises:
            ConflictError: another spec, another split rule, or other videos altogether.
        """
        if self.spec is not None and self.spec != spec:
            raise ConflictError(
                f"{self.folder} holds clips of another spec: {'; '.join(self.spec.differences(spec))}. "
                "Use the same options, or another --out."
            )
        if self.clip_rule is not None and (differences := self.clip_rule.differences(clip_rule)):
            raise ConflictError(
                f"{self.folder} holds clips that were made otherwise: {'; '.join(differences)}. "
                "Use the same options, or another --out."
            )
        if self.clips and not {clip.path for clip in self.clips} & {it.path for it in listed.sources}:
            raise ConflictError(
                f"{self.folder} was made from other videos: none of its {len(self.clips)} clips, such as "
                f"{self.clips[0].path}, is listed now. Give the same VIDEOS, or another --out."
            )
        if differences := rule.differences(self.manifest.get("split", {})):
            raise ConflictError(
                f"{self.folder} has its splits made otherwise: {'; '.join(differences)}. Clips never move to "
                "another split: use the same options, or another --out."
            )

    def begin(self, spec: ClipSpec, clip_rule: ClipRule, redone: set[str]) -> None:
        """Prepares the folder: a journal, and no store.json while clips of these paths are made anew."""
        files.make_folder(self.folder / FOLDER)
        files.remove_unfinished(self.folder / FOLDER)
        if self.spec is None or not journal_path(self.folder).exists():
            write_journal(self.folder, spec, clip_rule, self.records)
        is_whole = (self.folder / "store.json").exists()
        if is_whole and any(clip.is_usable and clip.path in redone for clip in self.clips):
            files.move_file(self.folder / "store.json", _aside(self.folder))

    def end(self) -> None:
        """Forgets the store.json of before: the new one is in place."""
        files.remove_file(_aside(self.folder))


def _aside(folder: Path) -> Path:
    return folder / FOLDER / "store.json"


def _made(folder: Path, values: dict[str, Any]) -> tuple[ClipSpec | None, ClipRule | None]:
    """How clips were made, from a journal or a description; nothing where there is nothing."""
    if not values:
        return None, None
    try:
        return ClipSpec.from_dict(values["spec"]), ClipRule.from_dict(values["clip_rule"])
    except (UsageError, KeyError) as error:
        raise StoreError(f"{folder}: {error}. Preprocess into a new folder.") from None


def _record(clip: Clip, versions: dict[str, str]) -> Extracted:
    """A record made from the table, where the journal was deleted: the bytes will be compared."""
    assert clip.status in ("ok", "damaged", "failed")  # noqa: S101 - skipped ones have no record
    values = {name: getattr(clip, name) for name in SHARED_FIELDS}
    return Extracted(
        id=clip.id,
        source_id=clip.id,
        status=clip.status,
        reason=clip.reason,
        fingerprint="unknown",
        cv2_version=versions.get("cv2", ""),
        ffmpeg_version=versions.get("ffmpeg", ""),
        **values,
    )
