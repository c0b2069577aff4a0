"""`tiny`: the same interface as the other backbones, and exact on padded clips."""

import pytest
import torch

from pipeline.model.backbone import build_backbone
from pipeline.model.tiny import TinyBackbone

NAN = float("nan")


@pytest.mark.parametrize("side", [32, 56, 96, 224])
def test_shape_at_any_size(side: int) -> None:
    backbone = build_backbone("tiny", image_size=side)
    assert isinstance(backbone, TinyBackbone)
    features = backbone(torch.randn(2, 3, 3, side, side))
    assert features.shape == (2, 3, backbone.feature_dim)
    assert features.isfinite().all()


def test_padding_changes_nothing() -> None:
    """Whatever the pads hold: the same bits; and as if each clip stood alone; gradients too."""
    backbone = TinyBackbone()
    clips, lengths = torch.randn(4, 4, 3, 64, 64), torch.arange(1, 5)
    pads = torch.arange(4)[None, :] >= lengths[:, None]
    results = []
    for filler in (0.0, 1e3, NAN):
        backbone.zero_grad()
        inputs = clips.masked_fill(pads[:, :, None, None, None], filler).requires_grad_()
        features = backbone(inputs, lengths)
        features.square().sum().backward()
        assert inputs.grad is not None
        assert not inputs.grad[pads].any()
        assert not features[pads].any()
        gradients = [p.grad.clone() for p in backbone.parameters() if p.grad is not None]
        results.append([features.detach(), inputs.grad, *gradients])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))
    with torch.no_grad():
        for item, length in enumerate(lengths.tolist()):
            alone = backbone(clips[item : item + 1, :length])[0]
            torch.testing.assert_close(alone, results[0][0][item, :length], rtol=0, atol=1e-5)


def test_batch_of_one_is_the_same_item_in_four() -> None:
    backbone, clips = TinyBackbone().eval(), torch.randn(4, 3, 3, 64, 64)
    with torch.no_grad():
        together = backbone(clips)
        for item in range(4):
            torch.testing.assert_close(backbone(clips[item : item + 1])[0], together[item], rtol=0, atol=1e-5)


def test_frames_depend_on_their_clip_as_it_says() -> None:
    backbone, clips = TinyBackbone().eval(), torch.randn(1, 3, 3, 64, 64)
    changed = clips.clone()
    changed[0, 2] += 1
    with torch.no_grad():
        assert backbone.sees_whole_clip
        assert not torch.equal(backbone(clips)[0, 0], backbone(changed)[0, 0])


def test_each_parameter_takes_part_in_learning() -> None:
    backbone = TinyBackbone()
    (backbone(torch.randn(2, 3, 3, 64, 64)) * torch.randn(backbone.feature_dim)).sum().backward()
    assert not [name for name, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize(("side", "shrunk"), [(40, 40), (56, 56), (100, 56), (112, 56), (224, 56)])
def test_pixels_are_means_of_bytes(side: int, shrunk: int) -> None:
    clips = torch.randint(0, 256, (2, 3, side, side, 3), dtype=torch.uint8)
    pixels = TinyBackbone().pixels(clips)
    assert pixels.dtype == torch.float32
    assert pixels.shape == (2, 3, 3, shrunk, shrunk)
    frames = clips.double().flatten(0, 1).permute(0, 3, 1, 2)
    expected = torch.nn.functional.adaptive_avg_pool2d(frames, shrunk).view(pixels.shape)
    torch.testing.assert_close(pixels.double(), expected, rtol=0, atol=1e-4)
    if side % shrunk == 0:  # by 1, 2 or 4 here: divided by a power of 2, nothing is rounded
        assert torch.equal(pixels.double(), expected)


def test_shrinking_bytes_first_is_shrinking_normalised_frames() -> None:
    backbone, clips = TinyBackbone().eval(), torch.randint(0, 256, (2, 3, 112, 112, 3), dtype=torch.uint8)
    with torch.no_grad():
        late = backbone((clips.permute(0, 1, 4, 2, 3).float() - 120) / 60)
        early = backbone((backbone.pixels(clips) - 120) / 60)
    torch.testing.assert_close(early, late, rtol=0, atol=1e-4)


def test_another_order_is_had_from_the_features_alone() -> None:
    """Features of the shuffled frames, computed from the frames or from the features in the first order."""
    torch.manual_seed(0)
    backbone = TinyBackbone().eval()
    clips, order = torch.rand(2, 6, 3, 32, 32), torch.tensor([3, 0, 5, 1, 4, 2])
    with torch.inference_mode():
        expected = backbone(clips[:, order])
        found = backbone.reordered(backbone(clips), order)
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(backbone(clips)[:, order], expected, atol=1e-2)  # the differences are others
