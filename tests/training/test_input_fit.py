"""What the head's input takes from training clips: directions that tell the classes, and their size."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from pipeline.model.fitted_input import FittedInput
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.model.lengths import valid_mask
from pipeline.training import input_fit
from pipeline.training.input_fit import fit_input

N, T, D, K, P = 120, 8, 40, 2, 6


def make_head(**changes: object) -> SequenceHead:
    torch.manual_seed(0)
    values = {"input": "fitted", "normalise": "none", "projection_dim": P, "lstm_dim": 8, **changes}
    return SequenceHead(HeadConfig(feature_dim=D, num_classes=K, **values))  # type: ignore[arg-type]


def make_clips(*, signal: float, seed: int = 0) -> tuple[torch.Tensor, np.ndarray, list[str]]:
    """Noise, with classes that differ in which way ten features go."""
    rng = np.random.default_rng(seed)
    classes = np.arange(N) % K
    features = rng.normal(size=(N, T, D)).astype(np.float32)
    ramp = np.linspace(-1, 1, T, dtype=np.float32)
    features[:, :, :10] += (signal * (2 * classes[:, None] - 1) * ramp)[:, :, None]
    return torch.from_numpy(features), classes.astype(np.int64), [f"g{row}" for row in range(N)]


def rms(projected: torch.Tensor) -> float:
    return float(projected.square().mean().sqrt())


def projected(head: SequenceHead, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The centred view on its components and on its class directions."""
    module = head.input
    assert isinstance(module, FittedInput)
    mask = valid_mask(torch.full((len(features),), T), T)
    seen = module.views(features, mask)[1] @ module.centred_projection.T
    return seen[:, :, :P], seen[:, :, P:]


def test_directions_are_large_where_the_regression_is_right_and_point_at_what_it_saw() -> None:
    features, classes, groups = make_clips(signal=4)
    head = make_head()
    skill = fit_input(head, features, classes, groups)
    assert skill is not None
    assert skill > 0.9
    components, directions = projected(head, features)
    assert np.isclose(rms(directions), skill, atol=1e-4)
    assert np.isclose(rms(components), 1, atol=1e-4)
    assert isinstance(head.input, FittedInput)
    weights = head.input.centred_projection[P:].abs()
    assert float(weights[:, :10].mean()) > 3 * float(weights[:, 10:].mean())


def test_directions_vanish_where_the_regression_knows_nothing() -> None:
    features, classes, groups = make_clips(signal=0)
    head = make_head()
    skill = fit_input(head, features, classes, groups)
    assert skill is not None
    assert skill < 0.2
    components, directions = projected(head, features)
    assert np.isclose(rms(directions), skill, atol=1e-4)
    assert np.isclose(rms(components), 1, atol=1e-4)


def test_skill_is_measured_on_groups_held_back() -> None:
    features, classes, _ = make_clips(signal=0)
    features[N // 2 :], classes[N // 2 :] = features[: N // 2], classes[: N // 2]  # each clip twice
    twice = [f"g{row % (N // 2)}" for row in range(N)]
    leaking = fit_input(make_head(), features, classes, [f"g{row}" for row in range(N)])
    honest = fit_input(make_head(), features, classes, twice)
    assert leaking is not None
    assert honest is not None
    assert leaking > 0.5
    assert honest < 0.3


def test_components_are_the_principal_ones() -> None:
    features, classes, groups = make_clips(signal=0)
    features[:, :, :3] *= 1 + 5 * torch.arange(3)
    head = make_head()
    fit_input(head, features, classes, groups)
    module = head.input
    assert isinstance(module, FittedInput)
    mask = valid_mask(torch.full((N,), T), T)
    centred = module.views(features, mask)[1].reshape(-1, D).numpy()
    found = module.centred_projection[:2].numpy()
    span = PCA(P, svd_solver="full").fit(centred).components_
    for row in found / np.linalg.norm(found, axis=1, keepdims=True):
        assert np.linalg.norm(span @ row) > 0.9  # within the first P


def test_the_same_clips_give_the_same_input_and_the_random_state_is_left_alone() -> None:
    features, classes, groups = make_clips(signal=1)
    heads = [make_head(), make_head()]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for head in heads:
        fit_input(head, features, classes, groups)
        torch.manual_seed(5)
    assert torch.equal(before, torch.get_rng_state())
    for name, value in heads[0].state_dict().items():
        assert torch.equal(value, heads[1].state_dict()[name]), name


def test_few_clips_few_dimensions_and_a_class_that_is_missing() -> None:
    features, _, _ = make_clips(signal=1)
    for rows, classes in ((2, [0, 1]), (3, [1, 1, 1]), (5, [0, 0, 0, 0, 1])):
        head = make_head(projection_dim=64)
        fit_input(head, features[:rows], np.array(classes), [f"g{row}" for row in range(rows)])
        logits, _ = head.eval()(features)
        assert torch.isfinite(logits).all()


def test_of_many_clips_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes, groups = make_clips(signal=4)
    head = make_head()
    monkeypatch.setattr(input_fit, "MAX_CLIPS", 50)
    skill = fit_input(head, features, classes, groups)
    assert skill is not None
    assert skill > 0.8


def test_a_plain_input_takes_its_statistics_only() -> None:
    features, classes, groups = make_clips(signal=1)
    head = make_head(input="plain", normalise="standardise", projection_dim=None)
    assert fit_input(head, features + 3, classes, groups) is None
    assert torch.allclose(head.state_dict()["input.feature_norm.mean"], torch.full((D,), 3.0), atol=0.2)


def test_what_a_trained_head_reads_is_not_fitted_again() -> None:
    features, classes, groups = make_clips(signal=1)
    head = make_head()
    assert fit_input(head, features, classes, groups) is not None
    before = {name: value.clone() for name, value in head.state_dict().items()}
    assert fit_input(head, features * 2 + 1, classes, groups) is None
    for name, value in head.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_without_class_directions_there_are_none_and_no_regression_is_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, classes, groups = make_clips(signal=4)
    head = make_head()
    monkeypatch.setattr(input_fit, "LogisticRegression", None)
    assert fit_input(head, features, classes, groups, class_directions=False) == 0
    components, directions = projected(head, features)
    assert not directions.any()
    assert np.isclose(rms(components), 1, atol=1e-4)
