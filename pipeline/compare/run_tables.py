"""Every single fit as a table: runs.csv, which is the same each time, and seconds.csv, which is not."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.compare.choice import Chosen
from pipeline.compare.jobs import FitKey
from pipeline.compare.one_fit import FitAnswers
from pipeline.compare.plan import Plan
from pipeline.compare.settings import Setting
from pipeline.evaluation.metrics import score

_KEY = ("variant", "head", "share_of_clips", "setting", "repeat", "fold")


def runs_csv(
    answers: Mapping[FitKey, FitAnswers], settings: Mapping[FitKey, Setting], chosen: Chosen, plan: Plan
) -> str:
    """The content of runs.csv: a row for each fit, its settings, and its figures on every side."""
    tests = {(fold.repeat, fold.fold): fold.test for fold in plan.folds}
    rows = []
    for key in sorted(answers):
        of_fit, setting = answers[key], settings[key]
        true = plan.class_indices[tests[key.repeat, key.fold]]
        scores = score(true, of_fit.predicted, len(plan.labels))
        shuffled = [score(true, each, len(plan.labels)).macro_f1 for each in _rounds(of_fit)]
        figures = of_fit.figures
        rows.append(
            {
                **_key(key),
                "hidden": setting.hidden,
                "learning_rate": setting.learning_rate,
                "dropout": setting.dropout,
                "penalty": setting.penalty,
                "kept": int(chosen[key.variant, key.head, key.repeat, key.fold] == key.setting),
                "num_train": int(figures["num_train"]),
                "num_test": len(true),
                "parameters": int(figures["parameters"]),
                "best_epoch": int(figures["best_epoch"]),
                "epochs": int(figures["epochs"]),
                **{
                    name: figures[name]
                    for name in ("val_loss", "train_loss", "train_accuracy", "train_macro_f1")
                },
                "test_loss": float(of_fit.losses.mean()),
                "test_accuracy": scores.accuracy,
                "test_balanced_accuracy": scores.balanced_accuracy,
                "test_macro_f1": scores.macro_f1,
                "shuffled_macro_f1": sum(shuffled) / len(shuffled) if shuffled else None,
            }
        )
    return _csv(rows)


def seconds_csv(answers: Mapping[FitKey, FitAnswers]) -> str:
    """The content of seconds.csv: CPU seconds of each fit, and those until its best epoch was over."""
    return _csv(
        [
            {
                **_key(key),
                "cpu_seconds": round(answers[key].cpu_seconds, 3),
                "cpu_seconds_to_best": round(answers[key].seconds_to_best, 3),
            }
            for key in sorted(answers)
        ]
    )


def _key(key: FitKey) -> dict[str, Any]:
    values = (key.variant, key.head, key.fraction, key.setting, key.repeat + 1, key.fold + 1)
    return dict(zip(_KEY, values, strict=True))


def _rounds(answers: FitAnswers) -> Sequence[Any]:
    return [] if answers.shuffled is None else list(answers.shuffled)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
