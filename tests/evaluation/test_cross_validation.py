"""Folds put together: means by hand, intervals that do not take folds for independent."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import KFold

from pipeline.evaluation.cross_validation import FoldAnswers, summarise_folds
from pipeline.evaluation.intervals import corrected_t_interval
from pipeline.evaluation.metrics import Scores
from pipeline.labels import Labels

LABELS = Labels(("a", "b", "c"))


def _folds(num_groups: int = 30, *, share_right: float = 0.7) -> list[FoldAnswers]:
    """Two repeats of three folds of 30 clips; the baseline is right where the model is, and once more."""
    random = np.random.default_rng(0)
    folds = []
    for repeat in range(2):
        for fold in range(3):
            true = np.arange(10) % 3
            predicted = np.where(random.random(10) < share_right, true, (true + 1) % 3)
            baseline = predicted.copy()
            wrong = np.flatnonzero(predicted != true)
            baseline[wrong[: 1 + fold % 2]] = true[wrong[: 1 + fold % 2]]
            folds.append(
                FoldAnswers(
                    repeat=repeat,
                    fold=fold,
                    num_train=16,
                    num_val=4,
                    best_epoch=2,
                    epochs=3,
                    true=true,
                    logits=np.eye(3)[predicted],
                    baselines={"majority": np.zeros(10, int), "mean": baseline},
                    shuffled=Scores(accuracy=0.5, macro_f1=0.4, balanced_accuracy=0.3),
                    groups=tuple(str((10 * fold + row) % num_groups) for row in range(10)),
                )
            )
    return folds


def test_means_and_pooled_figures_by_hand() -> None:
    folds = _folds()
    found = summarise_folds(folds, LABELS)
    accuracies = [float((each.true == each.predicted).mean()) for each in folds]
    assert found.scores.accuracy == pytest.approx(np.mean(accuracies))
    macro = [f1_score(each.true, each.predicted, average="macro") for each in folds]
    assert found.scores.macro_f1 == pytest.approx(np.mean(macro))
    true, predicted = (
        np.concatenate([getattr(each, key) for each in folds]) for key in ("true", "predicted")
    )
    assert found.confusion.tolist() == confusion_matrix(true, predicted).tolist()
    assert [row.support for row in found.per_class] == [12, 9, 9]  # of 30 clips, not of 60 answers
    assert found.per_class[1].f1 == pytest.approx(f1_score(true, predicted, average=None)[1])
    # (1 / 6 + 10 / 16) of the variance; scipy.stats.t.ppf(.975, 5) is 2.5706.
    half = 2.5706 * np.sqrt((1 / 6 + 10 / 16) * np.var(accuracies, ddof=1))
    assert found.intervals is not None
    low, high = found.intervals["accuracy"]
    assert low == pytest.approx(max(0, np.mean(accuracies) - half), abs=1e-4)
    assert high == pytest.approx(min(1, np.mean(accuracies) + half), abs=1e-4)
    assert set(found.baselines) == {"majority", "mean", "shuffled"}
    assert found.verdict.baseline == "mean"
    assert found.verdict.difference is not None
    assert found.verdict.difference["accuracy"] == pytest.approx(-0.4 / 3)
    assert found.verdict.beats is False
    assert [(row["repeat"], row["fold"]) for row in found.per_fold] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 2),
        (2, 3),
    ]


def test_few_groups_and_no_mistakes_have_no_interval() -> None:
    few = summarise_folds(_folds(num_groups=5), LABELS)
    assert (few.intervals, few.verdict.beats) == (None, None)
    assert few.per_group is not None
    assert len(few.per_group) == 5
    assert sum(group.support for group in few.per_group) == 30  # clips, not the answers of two repeats
    assert any("5 independent groups are too few" in note for note in few.notes)
    perfect = summarise_folds(_folds(share_right=1.0), LABELS)
    assert perfect.intervals is None
    assert any("No mistake in 30 independent groups" in note for note in perfect.notes)


def test_folds_that_are_all_alike_make_no_certainty() -> None:
    """Five clips' difference in five folds is no interval of width 0."""
    alike = []
    for fold in range(5):
        true = np.arange(8) % 3
        one_wrong, two_wrong = true.copy(), true.copy()
        one_wrong[:1] = two_wrong[:2] = 2
        alike.append(
            replace(
                _folds()[0],
                fold=fold,
                true=true,
                logits=np.eye(3)[one_wrong],
                baselines={"mean": two_wrong},
                groups=tuple(f"{fold} {row}" for row in range(8)),
            )
        )
    found = summarise_folds(alike, LABELS)
    assert (found.intervals, found.verdict.interval, found.verdict.beats) == (None, None, None)
    assert "all folds have the same difference" in found.verdict.sentence
    assert any("a score is the same in all folds" in note for note in found.notes)
    same = [replace(each, baselines={"mean": each.predicted}) for each in _folds()]
    assert summarise_folds(same, LABELS).verdict.beats is False


def test_the_interval_holds_what_such_models_reach_although_folds_overlap() -> None:
    """A linear classifier on 40 clips of 15 dimensions: a t interval that takes the folds for independent
    would hold the mean accuracy of such models far less often than it says."""

    def draw(random: np.random.Generator, num_clips: int) -> tuple[np.ndarray, np.ndarray]:
        true = random.integers(0, 3, num_clips)
        return random.normal(0, 1, (num_clips, 15)) + 1.2 * np.eye(15)[true], true

    intervals, naive, reached = [], [], []
    new, new_true = draw(np.random.default_rng(10**6), 4000)
    for seed in range(120):
        clips, true = draw(np.random.default_rng(seed), 40)
        scores = []
        for repeat in range(3):
            splitter = KFold(5, shuffle=True, random_state=repeat)
            for train, test in splitter.split(clips):
                model = RidgeClassifier().fit(clips[train], true[train])
                scores.append(float((model.predict(clips[test]) == true[test]).mean()))
                reached.append(float((model.predict(new) == new_true).mean()))
        intervals.append(corrected_t_interval(np.array(scores), test_share=8 / 32))
        naive.append(corrected_t_interval(np.array(scores), test_share=0.0))
    truth = np.mean(reached)
    held, held_naive = (np.mean([low <= truth <= high for low, high in each]) for each in (intervals, naive))
    assert held >= 0.9
    assert held_naive < 0.85
