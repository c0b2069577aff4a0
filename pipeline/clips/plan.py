"""What is still to do: sources whose clips hold are left alone, the others become a job for each video."""

from pathlib import Path

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.estimate import clip_bytes
from pipeline.clips.extract import ExtractJob
from pipeline.clips.fingerprint import fingerprint
from pipeline.clips.journal import Records
from pipeline.clips.previous import Previous
from pipeline.clips.source import Source, SourceList
from pipeline.clips.store import frames_path
from pipeline.spec import ClipSpec


def plan_jobs(
    listed: SourceList, previous: Previous, spec: ClipSpec, clip_rule: ClipRule, out: Path, *, retry: bool
) -> tuple[Records, list[ExtractJob]]:
    """Parts the sources into those whose records still hold and those to read, a job for each video."""
    size_bytes = clip_bytes(spec, clip_rule)
    records: Records = {}
    to_read: dict[tuple[str, float | None], list[Source]] = {}
    known_sha256: dict[str, str] = {}
    for source in listed.sources:
        known = previous.records.get(source.id, ())
        failed = [record for record in known if record.status == "failed"]
        has_frames = len(failed) < len(known) and all(
            _has_frames(out, record.id, size_bytes) for record in known if record.status != "failed"
        )
        is_settled = has_frames or (bool(known) and len(failed) == len(known))
        if (
            is_settled
            and not (failed and retry)
            and {it.fingerprint for it in known} == {fingerprint(source)}
        ):
            records[source.id] = known
            continue
        if has_frames and not failed and source.frame_rate is None:
            known_sha256[source.id] = known[0].sha256
        to_read.setdefault((source.location, source.frame_rate), []).append(source)
    folder = str(out.resolve())
    jobs = [
        ExtractJob(
            sources=tuple(sources),
            spec=spec,
            rule=clip_rule,
            folder=folder,
            known_sha256={it.id: known_sha256[it.id] for it in sources if it.id in known_sha256},
        )
        for sources in to_read.values()
    ]
    return records, jobs


def _has_frames(out: Path, clip_id: str, size_bytes: int) -> bool:
    try:
        return frames_path(out, clip_id).stat().st_size == size_bytes
    except OSError:
        return False
