"""The command that does the same again: read back, it asks for the same."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import compare, evaluate, train
from pipeline.cli.command_line import command_line, shell_word
from pipeline.cli.main import _parse
from pipeline.compare.options import CompareOptions
from pipeline.training.options import TrainOptions


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("train", train.Options(clips=Path("clips"), out=Path("run"))),
        (
            "train",
            train.Options(
                clips=Path("-clips; rm *"),
                out=Path("-run"),
                training=TrainOptions(
                    weights="my weights.pth", finetune=True, class_weights=False, abstain_precision=None,
                    learning_rate=3e-05, flip_labels=("left=right", "왼쪽='오른쪽'"), projection_dim=64,
                ),
                folds=5,
                repeats=3,
                device="cpu",
            ),
        ),
        ("train", train.Options(clips=Path("a"), out=Path("b"), init=Path("old run"), tensorboard=True)),
        (
            "evaluate",
            evaluate.Options(clips=Path("clips"), model=Path("run"), split="val", threshold=0.5),
        ),
    ],
)  # fmt: skip
def test_read_back_it_asks_for_the_same(command: str, options: Any) -> None:
    program, name, *words = shlex.split(command_line(command, options))
    assert (program, name) == ("clipwise", command)
    module = {"train": train, "evaluate": evaluate}[command]
    assert _parse(module, command, words) == options


def test_what_matters_most_is_said_and_defaults_are_not() -> None:
    said = command_line("train", train.Options(clips=Path("clips"), out=Path("run"), config=Path("c.json")))
    assert said == "clipwise train clips --out run --backbone mobilenet_v3_large --weights imagenet"
    said = command_line("evaluate", evaluate.Options(clips=Path("clips"), model=Path("run")))
    assert said == "clipwise evaluate clips --model run --split test"


@pytest.mark.parametrize(
    "name",
    [
        "plain", "two words", "it's", "한국어 العربية 🎥", "line\nfeed", "\x1b[31mred", "bytes \udcff\udc80",
        "e\u0301", "right\u202eleft", "back\\slash\n'quote'", "$(rm *) `id` $HOME", "",
    ],
)  # fmt: skip
def test_a_shell_reads_any_name_back(name: str) -> None:
    word = shell_word(name)
    assert word.isprintable()
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    done = subprocess.run([bash, "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == name.encode("utf-8", "surrogateescape")


def test_several_values_at_once_are_read_back(tmp_path: Path) -> None:
    options = compare.Options(
        clips=Path("clips"),
        out=Path("out dir"),
        comparison=CompareOptions(
            backbone=("resnet18", "mobilenet_v2"),
            weights=("a b.pth", "c.pth"),
            quick=True,
            heads=("mean", "full"),
            hidden_sizes=(16, 512),
            fit=("letterbox,stretch",),
            curve=False,
        ),
        workers=2,
    )
    words = shlex.split(command_line("compare", options, several_at_once=True))[2:]
    assert _parse(compare, "compare", words) == options


def test_features_have_no_backbone_to_name() -> None:
    said = command_line("train", train.Options(clips=Path("made.npz"), out=Path("run")))
    assert said == "clipwise train made.npz --out run"
