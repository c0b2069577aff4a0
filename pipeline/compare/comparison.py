"""A comparison from clips to a verdict: plans the fits, makes those that are missing, and sums them up.

Killed at any moment and started again with the same arguments, it goes on where it was: the answers of a fit
are kept when it is finished, and everything after the fits is computed from them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pipeline.clips.store import ClipStore
from pipeline.compare.choice import Chosen, choose
from pipeline.compare.evidence import Evidence
from pipeline.compare.folder import (
    BEST_FILE,
    GIVEN_FILE,
    RESULT_FILE,
    RUNS_FILE,
    SECONDS_FILE,
    check_folder,
    check_same,
    read_finished,
    what_was_given,
)
from pipeline.compare.forecast import Forecast
from pipeline.compare.heads import HEADS, MAJORITY, Head
from pipeline.compare.jobs import Clips, FitKey, Fitter, Job, read_answers, save_answers
from pipeline.compare.one_fit import FitAnswers, as_kept
from pipeline.compare.options import CompareOptions
from pipeline.compare.plan import Fold, Plan, make_plan
from pipeline.compare.refit import same_clips, stores_of_fits
from pipeline.compare.result import best_options, summarise, supported_head
from pipeline.compare.run_tables import runs_csv, seconds_csv
from pipeline.compare.settings import Setting, settings_of
from pipeline.compare.variants import (
    FEATURES_FOLDER,
    Variant,
    embed_variant,
    share_features,
    variants_of,
)
from pipeline.embedding.cache import Progress
from pipeline.embedding.runtime import RuntimeName
from pipeline.files import (
    make_folder,
    owned_folder,
    remove_file,
    remove_unfinished,
    write_json,
    write_text,
)

QUICK_CURVE_HEADS = ("mean_std_difference", "full")
"""With --quick the learning curve is of these, and of the head that the data supports."""
FIT_HEADS = ("mean", "mean_std_difference", "attention_pooling", "full", "default")
"""Heads by which ways to fit a frame into the square are compared."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a comparison calls while it works, for progress bars; does nothing by default.

    Attributes:
        embedding: wraps the clips that have to be embedded.
        on_fit: is given how many fits are done, how many there are, and the wall seconds left (None: not
            known yet), after each fit.
        say: is given sentences.
    """

    embedding: Progress = iter
    on_fit: Callable[[int, int, float | None], None] = lambda done, total, left: None
    say: Callable[[str], None] = lambda sentence: None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A finished comparison.

    Attributes:
        folder: where it lies.
        result: the content of result.json.
        was_finished: it was finished before; nothing was fitted.
    """

    folder: Path
    result: dict[str, Any]
    was_finished: bool


def compare(
    clips: Path,
    out: Path,
    options: CompareOptions,
    *,
    device: torch.device | str = "cpu",
    runtime: RuntimeName = "auto",
    num_workers: int = 1,
    watch: Watch | None = None,
) -> Comparison:
    """Fits every head on the same folds, and says which one the data supports.

    No group of clips is on two sides of a fold, settings are chosen by validation loss inside each fold, and
    the test split has no part in it (but with `all_clips`).

    Args:
        clips: a clip store, or an .npz of features.
        out: the folder of the comparison; made if needed.
        options: of the comparison.
        device: where backbones embed; heads are fitted on the CPU.
        runtime: what runs the backbones; see `Embedder`.
        num_workers: processes that fit heads.
        watch: for progress.

    Raises:
        UsageError: options that cannot be.
        StoreError: too few clips, classes or groups; with `fit`, videos that are missing, named.
        ConflictError: `out` holds another comparison, or something else.
        TrainingError: a loss is not a number.
        MachineError: the disk is full, weights cannot be had, workers die.
    """
    watch = watch or Watch()
    store = ClipStore.open(clips)
    plan = make_plan(
        store,
        num_folds=options.folds,
        num_repeats=options.chosen_repeats,
        seed=options.seed,
        all_clips=options.all_clips,
        curve=options.curve,
    )
    variants = variants_of(store, options)
    given = what_was_given(store, options, variants)
    check_folder(out)
    make_folder(out)
    with owned_folder(out):
        check_same(out, given)
        if (finished := read_finished(out)) is not None:
            return Comparison(folder=out, result=finished, was_finished=True)
        remove_unfinished(out)
        run = _Run(
            store=store,
            out=out,
            options=options,
            plan=plan,
            variants=variants,
            num_workers=num_workers,
            watch=watch,
        )
        stores = stores_of_fits(store, plan.clips, out, [each.fit for each in variants], say=watch.say)
        features = {}
        for variant in variants:
            embedded = embed_variant(
                stores[variant.fit],
                same_clips(plan.clips, stores[variant.fit]),
                variant.options,
                device=torch.device(device),
                runtime=runtime,
                progress=watch.embedding,
                say=watch.say,
            )
            # Not before this: weights or videos that cannot be had begin no comparison.
            write_json(out / GIVEN_FILE, given)
            features[variant.name] = share_features(out / FEATURES_FOLDER, variant.name, embedded)
            run.feature_dims[variant.name] = int(embedded.shape[2])
            del embedded  # workers and this process see the file: it need not be held twice
        result = run.finish(features)
        for path in features.values():
            remove_file(path)
        return Comparison(folder=out, result=result, was_finished=False)


@dataclass(kw_only=True)
class _Run:
    """The steps of a comparison, on a folder that is ours."""

    store: ClipStore
    out: Path
    options: CompareOptions
    plan: Plan
    variants: tuple[Variant, ...]
    num_workers: int
    watch: Watch

    def __post_init__(self) -> None:
        self.feature_dims: dict[str, int] = {}
        self._answers: dict[FitKey, FitAnswers] = {}
        self._settings: dict[FitKey, Setting] = {}
        self._forecast = Forecast(self.num_workers)
        self._started = time.monotonic()

    def finish(self, features: Mapping[str, Path]) -> dict[str, Any]:
        """Fits, sums up, writes all files; the result."""
        clips = Clips(
            features=features,
            class_indices=self.plan.class_indices,
            groups=self.plan.groups,
            num_classes=len(self.plan.labels),
        )
        first = [job for variant in self.variants for job in self._first_jobs(variant)]
        with Fitter(clips, num_workers=self.num_workers) as fitter:
            self._make(fitter, first, later=self._later())
            chosen = choose(self._answers)
            curves = self._curve_jobs(chosen, supported_head(self._evidence(chosen)))
            self._make(fitter, curves, later={}, done_before=len(first))
        evidence = self._evidence(chosen)
        result = summarise(evidence, wall_seconds=time.monotonic() - self._started)
        write_text(self.out / RUNS_FILE, runs_csv(self._answers, self._settings, chosen, self.plan))
        write_text(self.out / SECONDS_FILE, seconds_csv(self._answers))
        best = best_options(evidence, result)
        if best is not None:
            write_json(self.out / BEST_FILE, best.to_dict())
        write_json(self.out / RESULT_FILE, result)
        return result

    @property
    def _reference(self) -> Variant:
        return next(variant for variant in self.variants if variant.is_reference)

    def _evidence(self, chosen: Chosen) -> Evidence:
        return Evidence(
            name=self.store.folder.resolve().name,
            plan=self.plan,
            options=self.options,
            num_frames=self.store.spec.num_frames,
            variants=self.variants,
            feature_dims=self.feature_dims,
            answers=self._answers,
            settings=self._settings,
            chosen=chosen,
        )

    def _first_jobs(self, variant: Variant) -> Iterator[Job]:
        """All settings of all heads, on all training clips of each fold.

        Fold by fold, so that every kind of fit has soon been seen and the time left is known.
        """
        is_fit = variant.fit != self._reference.fit
        for fold in self.plan.folds:
            for head in self.options.chosen_heads:
                if is_fit and head.name not in self._fit_heads:
                    continue
                settings = settings_of(
                    head,
                    variant.options,
                    quick=self.options.quick or is_fit,
                    hidden_sizes=self.options.hidden_sizes,
                )
                for setting in settings:
                    yield self._job(variant, head, setting, fold, fraction=1.0)

    @property
    def _fit_heads(self) -> set[str]:
        """The heads by which ways to fit are compared; where none of them is compared, those that are."""
        compared = {head.name for head in self.options.chosen_heads}
        return {MAJORITY, *(compared & set(FIT_HEADS) or compared)}

    def _curve_jobs(self, chosen: Chosen, supported: str | None) -> list[Job]:
        """The chosen setting of each head of the reference, on parts of the clips."""
        names = self._curve_heads()
        if supported is not None and supported not in (MAJORITY, *names):
            names.append(supported)
        return [
            self._job(self._reference, HEADS[name], self._settings_of(name)[number], fold, fraction=fraction)
            for fold in self.plan.folds
            for name in names
            for number in [chosen[self._reference.name, name, fold.repeat, fold.fold]]
            for fraction in self.plan.fractions
            if fraction < 1
        ]

    def _curve_heads(self) -> list[str]:
        compared = [head.name for head in self.options.chosen_heads]
        return [name for name in compared if name in QUICK_CURVE_HEADS] if self.options.quick else compared

    def _settings_of(self, head: str) -> tuple[Setting, ...]:
        return settings_of(
            HEADS[head],
            self._reference.options,
            quick=self.options.quick,
            hidden_sizes=self.options.hidden_sizes,
        )

    def _later(self) -> dict[str, float]:
        """Clips that learning curves will learn from, by head."""
        clips = sum(len(rows) for fold in self.plan.folds for share, rows in fold.train.items() if share < 1)
        return dict.fromkeys(self._curve_heads(), float(clips))

    def _job(self, variant: Variant, head: Head, setting: Setting, fold: Fold, *, fraction: float) -> Job:
        key = FitKey(variant.name, head.name, fraction, setting.number, fold.repeat, fold.fold)
        self._settings[key] = setting
        train = fold.train[fraction]
        return Job(
            key=key,
            setting=setting,
            options=replace(variant.options, **setting.options(head), seed=fold.seed),
            train=train,
            val=fold.val,
            test=fold.test,
        )

    def _make(
        self, fitter: Fitter, jobs: Sequence[Job], *, later: Mapping[str, float], done_before: int = 0
    ) -> None:
        """Makes what is not kept yet."""
        missing = {}
        for job in jobs:
            answers = read_answers(self.out / job.key.file)
            if answers is None or len(answers.predicted) != len(job.test):
                missing[job.key] = job
            else:
                self._answers[job.key] = answers
                self._forecast.add(job, answers.cpu_seconds)
        curve_fits = len(self._curve_heads()) * len(self.plan.folds) * (len(self.plan.fractions) - 1)
        total = done_before + len(jobs) + (curve_fits if later else 0)
        self._tell(total, done_before + len(jobs) - len(missing), missing.values(), later)
        for folder in {job.key.file.parent for job in missing.values()}:
            make_folder(self.out / folder)
        for job, made in fitter.run(list(missing.values())):
            save_answers(self.out / job.key.file, made.answers)
            self._answers[job.key] = as_kept(made.answers)
            del missing[job.key]
            self._forecast.add(job, made.wall_seconds)
            self._tell(total, done_before + len(jobs) - len(missing), missing.values(), later)

    def _tell(self, total: int, done: int, missing: Any, later: Mapping[str, float]) -> None:
        self.watch.on_fit(done, total, self._forecast.seconds_left(missing, later=later))
