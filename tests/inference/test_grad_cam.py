"""Grad-CAM: equal to what is computed by hand, on the patch that decides, and harmless to the model."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pipeline.inference.grad_cam import grad_cam
from pipeline.model.classifier import ClipClassifier, ModelConfig, Precision
from pipeline.model.head import HeadConfig, SequenceHead

S = 48


def _colour_classifier(precision: Precision = "float32") -> ClipClassifier:
    """Class 0 grows with red and falls with green; class 1 the other way round. Its map has 6 x 6 places."""
    plain = HeadConfig(
        feature_dim=512, num_classes=2, normalise="none", lstm_layers=0, bidirectional=False,
        time_dense=False, pooling="mean",
    )  # fmt: skip
    config = ModelConfig(
        backbone="squeezenet1_1", image_size=S, head=plain, mean_rgb=(0, 0, 0), std_rgb=(1, 1, 1),
        precision=precision,
    )  # fmt: skip
    classifier = ClipClassifier(config)
    classifier.backbone.network = nn.Sequential(nn.AvgPool2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier.backbone.feature_dim = 3
    classifier.head = SequenceHead(HeadConfig.from_dict({**plain.to_dict(), "feature_dim": 3}))
    with torch.no_grad():
        classifier.head.output.weight.copy_(torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]))
        classifier.head.output.bias.zero_()
    return classifier.eval()


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_equal_to_what_is_computed_by_hand(precision: Precision) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, S, S, 3), dtype=np.uint8)
    found = grad_cam(_colour_classifier(precision), frames, 1, [3, 0])
    cells = torch.from_numpy(frames).double().reshape(4, 6, 8, 6, 8, 3).mean(dim=(2, 4)) / 255  # (4, 6, 6, 3)
    # logit = mean over 4 frames and 36 places of (green - red): each channel has one slope everywhere.
    cams = torch.relu(cells[..., 1] - cells[..., 0])[[3, 0]] / (4 * 36)
    expected = F.interpolate(cams[:, None], size=(S, S), mode="bilinear", align_corners=False)[:, 0]
    assert found.shape == (2, S, S)
    assert found == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-9)


def test_the_map_lies_on_the_patch_that_decides() -> None:
    frames = np.full((3, S, S, 3), 30, np.uint8)
    frames[:, 8:24, 24:40] = (250, 20, 20)
    frames[:, 32:48, 0:16] = (20, 250, 20)
    for class_index, (rows, columns) in enumerate(
        [(slice(4, 28), slice(20, 44)), (slice(28, 48), slice(0, 20))]
    ):
        for heat in grad_cam(_colour_classifier(), frames, class_index, range(3)):
            assert heat[rows, columns].sum() > 0.8 * heat.sum() > 0


def test_the_model_stays_as_it_was() -> None:
    torch.manual_seed(0)
    head = HeadConfig(feature_dim=1024, num_classes=3, input="fitted", normalise="none", projection_dim=8)
    classifier = ClipClassifier(ModelConfig(backbone="mobilenet_v3_small", image_size=S, head=head)).eval()
    classifier.freeze_backbone()
    for parameter in list(classifier.head.parameters())[::2]:
        parameter.requires_grad_(False)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    flags = [parameter.requires_grad for parameter in classifier.parameters()]
    frames = np.random.default_rng(0).integers(0, 256, (3, S, S, 3), dtype=np.uint8)
    with torch.inference_mode():  # even from in there
        found = grad_cam(classifier, frames, 2, [1])
    assert found.max() > 0
    assert [parameter.requires_grad for parameter in classifier.parameters()] == flags
    assert all(parameter.grad is None for parameter in classifier.parameters())
    assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())
    assert not any(module.training or module._forward_hooks for module in classifier.modules())
    assert torch.is_grad_enabled()
    assert np.array_equal(found, grad_cam(classifier, frames, 2, [1]))


@pytest.mark.needs_cuda
def test_a_gpu_shows_the_same_places() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    torch.manual_seed(0)
    head = HeadConfig(feature_dim=1024, num_classes=3)
    classifier = ClipClassifier(ModelConfig(backbone="mobilenet_v3_small", image_size=S, head=head)).eval()
    frames = np.random.default_rng(0).integers(0, 256, (3, S, S, 3), dtype=np.uint8)
    here = grad_cam(classifier, frames, 0, [0, 2])
    there = grad_cam(classifier.cuda(), frames, 0, [0, 2])
    assert there == pytest.approx(here, rel=1e-2, abs=1e-3 * float(here.max()))
