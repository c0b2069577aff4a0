"""uint8 clips in, logits and weights out; a frozen backbone does not move."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig

SIDE, K = 32, 3


def make_classifier(backbone: str = "tiny", **changes: Any) -> ClipClassifier:
    feature_dim = backbone_feature_dim(backbone, image_size=SIDE)
    head = HeadConfig(feature_dim=feature_dim, num_classes=K, lstm_dim=8, attention_dim=4, dropout=0.1)
    return ClipClassifier(ModelConfig(backbone=backbone, image_size=SIDE, head=head, **changes))


def make_clips(batch_size: int = 4, num_frames: int = 3) -> Tensor:
    return torch.randint(0, 256, (batch_size, num_frames, SIDE, SIDE, 3), dtype=torch.uint8)


@pytest.mark.parametrize("backbone", ["tiny", "mobilenet_v3_small"])
def test_batch_of_one_is_the_same_item_in_four(backbone: str) -> None:
    classifier, clips = make_classifier(backbone).eval(), make_clips()
    lengths = torch.tensor([3, 2, 1, 3])
    with torch.no_grad():
        together = classifier(clips, lengths)
        for item, length in enumerate(lengths.tolist()):
            alone = classifier(clips[item : item + 1, :length])
            torch.testing.assert_close(alone.logits[0], together.logits[item], rtol=0, atol=1e-6)
            torch.testing.assert_close(
                alone.attention_weights[0], together.attention_weights[item, :length], rtol=0, atol=1e-6
            )
    assert together.logits.shape == (4, K)
    assert not together.attention_weights[1, 2:].any()


@pytest.mark.parametrize("backbone", ["tiny", "mobilenet_v3_small"])
def test_what_padding_holds_changes_no_bit(backbone: str) -> None:
    classifier, clips, lengths = make_classifier(backbone).eval(), make_clips(), torch.tensor([3, 2, 1, 3])
    other = clips.clone()
    other[1, 2:] = 255
    other[2, 1:] = 0
    with torch.no_grad():
        assert torch.equal(classifier(clips, lengths).logits, classifier(other, lengths).logits)


def test_normalisation_and_channel_order() -> None:
    """Red, green and blue of one pixel arrive where they belong, by the numbers of the configuration."""
    classifier = make_classifier(mean_rgb=(0.0, 0.2, 0.4), std_rgb=(1.0, 0.5, 0.25))
    clips = torch.zeros(1, 1, SIDE, SIDE, 3, dtype=torch.uint8)
    clips[0, 0, 5, 7] = torch.tensor([255, 51, 204])  # 1, .2, .8
    seen: list[Tensor] = []
    classifier.backbone.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    classifier(clips)
    torch.testing.assert_close(seen[0][0, 0, :, 5, 7], torch.tensor([1.0, 0.0, 1.6]))
    torch.testing.assert_close(seen[0][0, 0, :, 7, 5], torch.tensor([0.0, -0.4, -1.6]))


def test_forward_is_embed_then_head() -> None:
    classifier, clips = make_classifier().eval(), make_clips()
    with torch.no_grad():
        features = classifier.embed(clips)
        assert torch.equal(classifier(clips).logits, classifier.head(features).logits)


def train_steps(classifier: ClipClassifier, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(steps):
        classifier.train()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(classifier(make_clips()).logits, torch.tensor([0, 1, 2, 0]))
        torch.autograd.backward(loss)
        optimizer.step()


@pytest.mark.parametrize("backbone", ["tiny", "mobilenet_v3_small"])
def test_frozen_backbone_is_bit_equal_after_training(backbone: str) -> None:
    classifier = make_classifier(backbone)
    classifier.freeze_backbone()
    before = copy.deepcopy(classifier.state_dict())
    train_steps(classifier)
    assert classifier.training
    assert not any(module.training for module in classifier.backbone.modules())
    for name, value in classifier.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(classifier.state_dict()["head.output.weight"], before["head.output.weight"])
    assert all(parameter.grad is None for parameter in classifier.backbone.parameters())


def test_unfrozen_backbone_moves_and_so_do_its_statistics() -> None:
    """The test above can fail."""
    classifier = make_classifier("mobilenet_v3_small")
    before = copy.deepcopy(classifier.backbone.state_dict())
    train_steps(classifier, steps=1)
    after = classifier.backbone.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == set(after)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (torch.zeros(1, 2, SIDE, SIDE, 3), "dtype torch.float32; allowed: torch.uint8"),
        (torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8), r"allowed: \(B, T, 32, 32, 3\)"),
        (torch.zeros(1, 2, 3, SIDE, SIDE, dtype=torch.uint8), r"shape \(1, 2, 3, 32, 32\)"),
        (torch.zeros(1, 2, 40, 40, 3, dtype=torch.uint8), r"allowed: \(B, T, 32, 32, 3\)"),
        (torch.zeros(1, 0, SIDE, SIDE, 3, dtype=torch.uint8), "at least 1"),
    ],
)
def test_unfit_clips_are_refused(clips: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_classifier()(clips)


def test_lengths_outside_the_clip_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lengths are \[4\]; allowed: 1 to 3"):
        make_classifier()(make_clips(1), torch.tensor([4]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 4}, "image_size is 4"),
        ({"image_size": "224"}, "image_size is '224'"),
        ({"std_rgb": (1, 0, 1)}, "std_rgb is"),
        ({"mean_rgb": (1, 1)}, "mean_rgb is"),
        ({"mean_rgb": None}, "mean_rgb is None"),
        ({"backbone": "resnet17"}, "unknown backbone 'resnet17'"),
    ],
)
def test_config_refuses_naming_the_field(changes: dict[str, Any], message: str) -> None:
    head = HeadConfig(feature_dim=8, num_classes=2)
    with pytest.raises(UsageError, match=message):
        ModelConfig(**{"backbone": "tiny", "image_size": SIDE, "head": head, **changes})


def test_config_round_trip_is_strict() -> None:
    config = make_classifier(mean_rgb=(0.1, 0.2, 0.3)).config
    assert ModelConfig.from_dict(config.to_dict()) == config
    with pytest.raises(UsageError, match="unknown fields: flavour"):
        ModelConfig.from_dict({**config.to_dict(), "flavour": 1})


def test_head_of_another_width_is_refused() -> None:
    head = HeadConfig(feature_dim=7, num_classes=2)
    with pytest.raises(UsageError, match="feature_dim is 7, but the backbone tiny gives"):
        ClipClassifier(ModelConfig(backbone="tiny", image_size=SIDE, head=head))


@pytest.mark.parametrize("backbone", ["tiny", "mobilenet_v3_small"])
def test_mixed_precision_leaves_the_head_in_float32(backbone: str) -> None:
    classifier = make_classifier(backbone)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = classifier(make_clips(), torch.tensor([3, 2, 1, 3]))
    assert output.logits.dtype == torch.float32
    output.logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in classifier.parameters())
