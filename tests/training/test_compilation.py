"""`--compile`: the same results, and a machine without a compiler goes on."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.model.tiny import TinyBackbone
from pipeline.training.compilation import compiled


def _backbone_and_batch() -> tuple[TinyBackbone, torch.Tensor]:
    torch.manual_seed(0)
    return TinyBackbone(), torch.randn(2, 3, 3, 32, 32)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    torch._dynamo.reset()  # it remembers what could not be compiled


def test_without_a_compiler_it_says_so_and_computes_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "/nowhere/c++"))  # $CXX is read on import
    backbone, batch = _backbone_and_batch()
    expected = backbone(batch)
    said: list[str] = []
    with compiled(backbone, batch, say=said.append):
        assert torch.equal(backbone(batch), expected)
    assert len(said) == 1
    assert said[0].startswith("the backbone cannot be compiled here (")
    assert said[0].endswith("going on without")
    assert all(weight.grad is None for weight in backbone.parameters())


@pytest.mark.slow  # compiling takes half a minute
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_compiled_code_computes_the_same_and_is_gone_afterwards() -> None:
    backbone, batch = _backbone_and_batch()
    expected = backbone(batch)
    names = list(backbone.state_dict())
    said: list[str] = []
    with compiled(backbone, batch, say=said.append):
        assert said == ["the backbone is compiled"]
        assert torch.allclose(backbone(batch), expected, atol=1e-5)
        assert list(backbone.state_dict()) == names
        with torch.inference_mode():
            assert torch.allclose(backbone(batch[:1]), expected[:1], atol=1e-5)
    assert torch.equal(backbone(batch), expected)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_the_trial_moves_no_statistics() -> None:
    backbone, batch = _backbone_and_batch()
    norm = nn.BatchNorm2d(64)
    backbone.convolutions = nn.Sequential(nn.Conv2d(9, 64, 3, stride=4), norm, nn.ReLU())
    said: list[str] = []
    with compiled(backbone.train(), batch, say=said.append):
        assert said == ["the backbone is compiled"]
        assert norm.running_mean is not None
        assert not norm.running_mean.any()
        backbone(batch)
        assert norm.running_mean.any()
