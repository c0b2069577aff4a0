"""From videos to a clip store: list, extract what is new or changed in workers, write the table.

Kill it at any moment and run it again: finished sources are in the journal, the table is written at the end
from the journal alone, so the store's bytes do not depend on how often it was stopped.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from pipeline import files
from pipeline.clips.assemble import make_table
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.estimate import check_overlap, clip_bytes, estimate_num_clips
from pipeline.clips.extract import ExtractJob, extract, failure
from pipeline.clips.extracted import Extracted
from pipeline.clips.fingerprint import hash_source
from pipeline.clips.journal import JournalWriter, Records, write_journal
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.origin import write_origin
from pipeline.clips.plan import plan_jobs
from pipeline.clips.previous import Previous
from pipeline.clips.source import SourceList
from pipeline.clips.sources import list_sources
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.store import ClipStore, write_store
from pipeline.clips.summary import Summary
from pipeline.errors import MachineError, UsageError, VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import WorkerPool


@dataclass(frozen=True, kw_only=True)
class PreprocessResult:
    """What a run of preprocess left behind.

    Attributes:
        store: the store, opened.
        summary: the store, counted.
        num_read: sources that this run read.
        num_unchanged: sources that it did not need to read again.
        listed: the videos as they were found.
        notes: what a person should know: what was left out, what could not be stratified.
    """

    store: ClipStore
    summary: Summary
    num_read: int
    num_unchanged: int
    listed: SourceList
    notes: tuple[str, ...]


def preprocess(
    videos: Path | str,
    out: Path | str,
    *,
    spec: ClipSpec | None = None,
    clip_rule: ClipRule | None = None,
    listing: ListingOptions | None = None,
    regroup: bool = False,
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
        videos: a folder of class folders, a CSV or lists; see `sources`.
        out: the store's folder.
        spec: what a clip is; default `ClipSpec()`.
        clip_rule: how many clips each video gives, and what of damaged ones; default `ClipRule()`.
        listing: how the videos are found, and what makes a group of them; default `ListingOptions()`.
        regroup: set a given split aside and make one in which no group stands on two sides.
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
        ConflictError: `out` holds clips of another spec or rule, or another run is using it.
        MachineError: no room, no permission.
    """
    videos, out, spec, clip_rule = Path(videos), Path(out), spec or ClipSpec(), clip_rule or ClipRule()
    if num_workers is not None and num_workers < 1:
        raise UsageError(f"--workers is {num_workers}; allowed: 1 or more.")
    listed = list_sources(videos, listing)
    rule = SplitRule.of(
        listed, regroup=regroup, seed=seed, val_fraction=val_fraction, test_fraction=test_fraction
    )
    _check_out(videos, out)
    say(f"read as {listed.read_as}: {len(listed.sources)} videos, {len(listed.labels)} classes.")
    files.make_folder(out)
    with files.owned_folder(out):
        previous = Previous.read(out)
        previous.check(listed, spec, clip_rule, rule)
        files.remove_unfinished(out)
        files.remove_unfinished(out / "frames")
        records, jobs = plan_jobs(listed, previous, spec, clip_rule, out, retry=retry)
        num_new = sum(len(job.sources) for job in jobs)
        _announce(len(listed.sources), jobs, out, say)
        previous.begin(spec, clip_rule, redone={it.path for job in jobs for it in job.sources})
        files.make_folder(out / "frames")  # not before: by the journal's folder an unfinished store is known
        write_origin(out, listed.root)
        made = _run(jobs, out, previous, num_workers or _num_processors(), show_progress=show_progress)
        records |= dict(made)
        notes = _finish(out, listed, previous, spec=spec, clip_rule=clip_rule, rule=rule, made=records)
    store = ClipStore.open(out)
    return PreprocessResult(
        store=store,
        summary=Summary.of(store.labels, store.clips),
        num_read=num_new,
        num_unchanged=len(listed.sources) - num_new,
        listed=listed,
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


def _announce(num_sources: int, jobs: list[ExtractJob], out: Path, say: Callable[[str], None]) -> None:
    """Says how much disk the run needs, and stops here when it is not there."""
    if not jobs:
        say(f"nothing new: all {num_sources} clips of {out} are up to date.")
        return
    check_overlap(jobs[0].spec, jobs[0].rule)
    num_new = sum(len(job.sources) for job in jobs)
    num_clips, about = num_new, ""
    if jobs[0].rule.windows is not None:
        num_clips, about = estimate_num_clips(jobs), "about "
    needed_bytes = num_clips * clip_bytes(jobs[0].spec, jobs[0].rule)
    files.require_free_space(out, needed_bytes, purpose=f"preprocessing {num_new} videos")
    known = f" ({num_sources - num_new} are done already)" if num_new < num_sources else ""
    clips = f"{about}{num_clips} clips" if about else "their clips"
    say(f"{num_new} videos to read{known}; {clips} take {about}{files.format_bytes(needed_bytes)} in {out}.")


def _run(
    jobs: list[ExtractJob], out: Path, previous: Previous, num_workers: int, *, show_progress: bool
) -> Iterator[tuple[str, tuple[Extracted, ...]]]:
    """Extracts in workers; the records of a source are in the journal before they are handed on."""
    if not jobs:
        return
    with ExitStack() as stack:
        journal = stack.enter_context(JournalWriter(out))
        pool = stack.enter_context(
            WorkerPool(num_workers=min(num_workers, len(jobs)), time_limit_seconds=_time_limit)
        )
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
            records = _lost(job, outcome) if isinstance(outcome, VideoError) else outcome
            for source in job.sources:
                of_source = tuple(record for record in records if record.source_id == source.id)
                if of_source[0].status == "stopped":
                    raise MachineError(of_source[0].reason)
                if of_source[0].status == "unchanged":
                    yield source.id, _touched(previous.records[source.id], of_source[0])
                else:
                    journal.add(source.id, of_source)
                    yield source.id, of_source
            bar.update()


def _time_limit(job: ExtractJob) -> float:
    return job.time_limit_seconds


def _lost(job: ExtractJob, error: VideoError) -> tuple[Extracted, ...]:
    """The records of a video whose worker died, and with it what it knew."""
    first = job.sources[0]
    is_file = first.frame_rate is not None or Path(first.location).is_file()
    sha256 = hash_source(first) if is_file else ""
    return tuple(failure(source, error.reason, sha256=sha256) for source in job.sources)


def _touched(known: tuple[Extracted, ...], seen: Extracted) -> tuple[Extracted, ...]:
    """The records of a source that was touched but holds the same bytes: the old ones, newly dated."""
    return tuple(replace(record, fingerprint=seen.fingerprint) for record in known)


def _finish(
    out: Path,
    listed: SourceList,
    previous: Previous,
    *,
    spec: ClipSpec,
    clip_rule: ClipRule,
    rule: SplitRule,
    made: Records,
) -> list[str]:
    """Writes table, description and journal, and removes frames that no row names; returns what to say."""
    table = make_table(listed, previous, rule, made)
    write_store(
        out,
        spec=spec,
        labels=listed.labels,
        clips=table.clips,
        clip_rule=clip_rule,
        split_rule=rule.to_dict(),
        versions=table.versions,
    )
    keep = {clip.id for clip in table.clips if clip.status != "failed"}
    gone = {
        source_id: records
        for source_id, records in previous.records.items()
        if any(record.id in keep for record in records)
    }
    write_journal(out, spec, clip_rule, gone | made)
    previous.end()
    files.remove_unfinished(out / "frames")  # of workers that were killed
    for path in (out / "frames").glob("*.npy"):
        if path.stem not in keep:
            path.unlink()
    return list(table.notes)


def _num_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
