"""Made-up sequences in the shape of telemetry: 12 steps of 10 numbers, of which is known what tells classes.

    python -m scripts.made_up_sequences order.npz --kind order --num-clips 400 --seed 0

Five kinds, all in noise of deviation 1:

    weak        four classes; every step has a little of its class's direction
    strong      four classes; two steps are marked and show their class, the others show any class, unmarked
    order       two classes; two events happen at any two steps, and the class is which came first
    appearance  four classes; every step has much of its class's direction
    nothing     two classes that are in name only

With `--clips-a-group` above 1 that many clips come from one source, which has a look of its own in every
step, and the file holds the group of each clip. The directions are the same for all seeds: a seed is another
sample of the same world. The file goes into `clipwise compare`, `train`, `evaluate` and `classify`.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from pipeline.files import write_bytes

Kind = Literal["weak", "strong", "order", "appearance", "nothing"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NUM_STEPS, FEATURE_DIM = 12, 10
NUM_KEY_STEPS = 2
_AMPLITUDE = {"weak": 0.35, "strong": 2.5, "order": 4.0, "appearance": 1.5, "nothing": 0.0}
_NUM_CLASSES = {"weak": 4, "strong": 4, "order": 2, "appearance": 4, "nothing": 2}
_MARK = 4.0
_LOOK = 0.3  # deviation of the look of a source, in each number
_WORLD = 20_207  # draws the directions


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Labelled sequences.

    Attributes:
        features: (N, 12, 10) float32.
        class_indices: (N,) int64.
        key_steps: (N, 12) bool, the steps that tell the class: two, all of them, or none.
        groups: (N,) int64, the source of each clip.
    """

    features: np.ndarray
    class_indices: np.ndarray
    key_steps: np.ndarray
    groups: np.ndarray

    @property
    def num_classes(self) -> int:
        """K."""
        return int(self.class_indices.max()) + 1


def make_sequences(kind: Kind, num_clips: int, seed: int, *, clips_a_group: int = 1) -> Sequences:
    """Draws sequences of a kind; the classes are equally frequent, give or take one."""
    num_classes = _NUM_CLASSES[kind]
    rng = np.random.default_rng([seed, KINDS.index(kind), num_clips])
    directions = _directions()
    classes = rng.permutation(np.arange(num_clips) % num_classes)
    features = rng.normal(size=(num_clips, NUM_STEPS, FEATURE_DIM))
    keys = np.zeros((num_clips, NUM_STEPS), bool)
    rows = np.arange(num_clips)[:, None]
    picks = np.sort(
        rng.permuted(np.tile(np.arange(NUM_STEPS), (num_clips, 1)), axis=1)[:, :NUM_KEY_STEPS], axis=1
    )
    amplitude = _AMPLITUDE[kind]
    if kind in ("weak", "appearance", "nothing"):
        features += amplitude * directions[classes][:, None]
        keys[:] = kind != "nothing"
    elif kind == "strong":
        shown = rng.integers(num_classes, size=(num_clips, NUM_STEPS))
        shown[rows, picks] = classes[:, None]
        features += amplitude * directions[shown]
        features[rows, picks] += _MARK * directions[num_classes]
        keys[rows, picks] = True
    else:
        events = np.stack([classes, 1 - classes], axis=1)  # which event comes first, which second
        features[rows, picks] += amplitude * directions[events]
        keys[rows, picks] = True
    groups = np.arange(num_clips) // clips_a_group
    if clips_a_group > 1:
        features += _LOOK * rng.normal(size=(num_clips, 1, FEATURE_DIM))[groups]
    return Sequences(
        features=features.astype(np.float32),
        class_indices=classes.astype(np.int64),
        key_steps=keys,
        groups=groups,
    )


def _directions() -> np.ndarray:
    """Five directions (5, 10) of length 1, at right angles."""
    drawn = np.random.default_rng(_WORLD).normal(size=(FEATURE_DIM, 5))
    return np.asarray(np.linalg.qr(drawn)[0].T)


def write_sequences(path: Path, made: Sequences) -> None:
    """As the .npz that commands take; with groups where some clips have one in common."""
    arrays = {"X": made.features, "y": made.class_indices, "key_steps": made.key_steps}
    if len(np.unique(made.groups)) < len(made.groups):
        arrays["groups"] = made.groups
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_bytes(path, content.getvalue())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="an .npz file")
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--num-clips", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips-a-group", type=int, default=1)
    options = parser.parse_args(arguments)
    made = make_sequences(options.kind, options.num_clips, options.seed, clips_a_group=options.clips_a_group)
    write_sequences(options.out, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
