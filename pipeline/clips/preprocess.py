"""From videos to a clip store: list, extract what is new or changed in workers, write the table.

Kill it at any moment and run it again: finished sources are in the journal, the table is written at the end
from the journal alone, so the store's bytes do not depend on how often it was stopped.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from pipeline import files
from pipeline.clips.assemble import make_table
from pipeline.clips.extract import Extracted, ExtractJob, extract, failure, fingerprint, hash_source
from pipeline.clips.journal import JournalWriter, write_journal
from pipeline.clips.origin import write_origin
from pipeline.clips.previous import Previous
from pipeline.clips.source import SourceList
from pipeline.clips.sources import list_sources
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.store import ClipStore, frames_path, write_store
from pipeline.clips.summary import Summary
from pipeline.errors import MachineError, UsageError, VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import WorkerPool

_NPY_HEADER_BYTES = 128


@dataclass(frozen=True, kw_only=True)
class PreprocessResult:
    """What a run of preprocess left behind.

    Attributes:
        store: the store, opened.
        summary: the store, counted.
        num_read: sources that this run read.
        num_unchanged: sources that it did not need to read again.
        notes: what a person should know: what was left out, what could not be stratified.
    """

    store: ClipStore
    summary: Summary
    num_read: int
    num_unchanged: int
    notes: tuple[str, ...]


def preprocess(
    videos: Path | str,
    out: Path | str,
    *,
    spec: ClipSpec | None = None,
    frame_rate: float | None = None,
    group_column: str | None = None,
    val_fraction: float = 0.15,
    test_fraction: float = 0.15,
    seed: int = 0,
    num_workers: int | None = None,
    retry: bool = False,
    say: Callable[[str], None] = lambda _message: None,
    show_progress: bool = False,
) -> PreprocessResult:
    """Turns labelled videos into a clip store, or brings a store up to date.

    Args:
        videos: a folder of class folders, or a CSV; see `sources`.
        out: the store's folder.
        spec: what a clip is; default `ClipSpec()`.
        frame_rate: of folders of frame images.
        group_column: the CSV's column that says what must not be split.
        val_fraction: share of val where it is made; of train where a given split has none.
        test_fraction: share of test where the split is made.
        seed: of a split that is made.
        num_workers: worker processes; default: as many as this process has processors.
        retry: read videos again that failed before.
        say: told what is going on, a sentence at a time.
        show_progress: a bar on stderr.

    Raises:
        UsageError: an option or the input cannot be right.
        StoreError: the store in `out` is damaged.
        ConflictError: `out` holds clips of another spec or split rule, or another run is using it.
        MachineError: no room, no permission.
    """
    videos, out, spec = Path(videos), Path(out), spec or ClipSpec()
    if num_workers is not None and num_workers < 1:
        raise UsageError(f"--workers is {num_workers}; allowed: 1 or more.")
    listed = list_sources(videos, frame_rate=frame_rate, group_column=group_column)
    rule = SplitRule(
        origin=listed.split_origin,
        makes=SplitRule.makes_of(source.split for source in listed.sources),
        seed=seed,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        group_column=(group_column or "group") if listed.has_groups else "",
    )
    _check_out(videos, out)
    files.make_folder(out)
    with files.owned_folder(out):
        previous = Previous.read(out)
        previous.check(listed, spec, rule)
        files.make_folder(out / "frames")
        files.remove_unfinished(out)
        files.remove_unfinished(out / "frames")
        records, jobs = _plan(listed, previous, spec, out, retry=retry)
        _announce(len(listed.sources), len(jobs), spec, out, say)
        previous.begin(spec, redone={job.source.id for job in jobs})
        write_origin(out, videos if videos.is_dir() else videos.parent)
        for record in _run(jobs, out, num_workers or _num_processors(), show_progress=show_progress):
            records[record.id] = _settled(record, previous)
        notes = _finish(out, listed, previous, spec=spec, rule=rule, made=records)
    store = ClipStore.open(out)
    return PreprocessResult(
        store=store,
        summary=Summary.of(store.labels, store.clips),
        num_read=len(jobs),
        num_unchanged=len(listed.sources) - len(jobs),
        notes=(*listed.notes, *notes),
    )


def _check_out(videos: Path, out: Path) -> None:
    real_videos, real_out = videos.resolve(), out.resolve()
    if videos.is_dir() and (real_out == real_videos or real_videos in real_out.parents):
        raise UsageError(
            f"--out {out} lies inside the videos ({videos}). Choose a folder beside them, such as "
            f"{real_videos.parent / (real_videos.name + '_clips')}."
        )
    if out.is_dir() and not Previous.lies_in(out):
        try:
            names = sorted(name for name in os.listdir(out) if name != ".lock")  # noqa: PTH208
        except OSError as error:
            raise MachineError(f"cannot read the folder {out}: {error.strerror or error}.") from None
        if names:
            raise UsageError(
                f"--out {out} is a folder with other things in it ({', '.join(names[:3])}), not a clip "
                "store. Choose a new or empty folder."
            )
    if os.path.lexists(out) and not out.is_dir():
        raise UsageError(f"--out {out} is a file, not a folder. Choose a new or empty folder.")


def _plan(
    listed: SourceList, previous: Previous, spec: ClipSpec, out: Path, *, retry: bool
) -> tuple[dict[str, Extracted], list[ExtractJob]]:
    """Parts the sources into those whose record still holds and those to read."""
    size_bytes = _clip_bytes(spec)
    records: dict[str, Extracted] = {}
    jobs: list[ExtractJob] = []
    for source in listed.sources:
        record = previous.records.get(source.id)
        has_frames = False
        if record is not None and record.status != "failed":
            with contextlib.suppress(OSError):
                has_frames = frames_path(out, source.id).stat().st_size == size_bytes
        is_settled = has_frames or (record is not None and record.status == "failed" and not retry)
        if record is not None and is_settled and record.fingerprint == fingerprint(source):
            records[source.id] = record
            continue
        known = record.sha256 if record is not None and has_frames and source.frame_rate is None else ""
        jobs.append(ExtractJob(source=source, spec=spec, folder=str(out.resolve()), known_sha256=known))
    return records, jobs


def _announce(num_sources: int, num_jobs: int, spec: ClipSpec, out: Path, say: Callable[[str], None]) -> None:
    """Says how much disk the run needs, and stops here when it is not there."""
    if num_jobs == 0:
        say(f"nothing new: all {num_sources} clips of {out} are up to date.")
        return
    needed_bytes = num_jobs * _clip_bytes(spec)
    files.require_free_space(out, needed_bytes, purpose=f"preprocessing {num_jobs} videos")
    known = f" ({num_sources - num_jobs} are done already)" if num_jobs < num_sources else ""
    say(f"{num_jobs} videos to read{known}; their clips take {files.format_bytes(needed_bytes)} in {out}.")


def _run(jobs: list[ExtractJob], out: Path, num_workers: int, *, show_progress: bool) -> Iterator[Extracted]:
    """Extracts in workers; each record is in the journal before it is handed on."""
    if not jobs:
        return
    with ExitStack() as stack:
        journal = stack.enter_context(JournalWriter(out))
        pool = stack.enter_context(WorkerPool(num_workers=min(num_workers, len(jobs))))
        bar = stack.enter_context(
            tqdm(
                total=len(jobs),
                unit="video",
                desc="preprocess",
                disable=not show_progress,
                dynamic_ncols=True,
                mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log gets a line more each time
            )
        )
        for job, outcome in pool.map(extract, jobs):
            record = _lost(job, outcome) if isinstance(outcome, VideoError) else outcome
            if record.status == "stopped":
                raise MachineError(record.reason)
            if record.status != "unchanged":
                journal.add(record)
            bar.update()
            yield record


def _lost(job: ExtractJob, error: VideoError) -> Extracted:
    """The record of a source whose worker died, and with it what it knew."""
    is_file = job.source.frame_rate is not None or Path(job.source.location).is_file()
    return failure(job.source, error.reason, sha256=hash_source(job.source) if is_file else "")


def _settled(record: Extracted, previous: Previous) -> Extracted:
    """The record of a source that was touched but holds the same bytes: the old one, newly dated."""
    if record.status != "unchanged":
        return record
    return replace(previous.records[record.id], fingerprint=record.fingerprint)


def _finish(
    out: Path,
    listed: SourceList,
    previous: Previous,
    *,
    spec: ClipSpec,
    rule: SplitRule,
    made: dict[str, Extracted],
) -> list[str]:
    """Writes table, description and journal, and removes frames that no row names; returns what to say."""
    table = make_table(listed, previous, rule, made)
    write_store(
        out,
        spec=spec,
        labels=listed.labels,
        clips=table.clips,
        split_rule=rule.to_dict(),
        versions=table.versions,
    )
    keep = {clip.id for clip in table.clips if clip.status != "failed"}
    write_journal(out, spec, {i: it for i, it in previous.records.items() if i in keep} | made)
    previous.end()
    for path in (out / "frames").glob("*.npy"):
        if path.stem not in keep:
            path.unlink()
    return list(table.notes)


def _clip_bytes(spec: ClipSpec) -> int:
    return spec.num_frames * spec.image_size**2 * 3 + _NPY_HEADER_BYTES


def _num_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
