"""A real order task made from any clip store: each clip forwards and backwards, as an .npz of features.

    python -m scripts.reversed_features CLIPS reversed.npz --backbone mobilenet_v2 --weights FILE

Both ways of a clip are in one group, the source's, so that no fold learns from one and judges by the other. A
head that cannot see the order of frames is at chance. The file goes into `clipwise compare`.
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.clips.store import ClipStore
from pipeline.compare.variants import embed_variant
from pipeline.files import write_bytes
from pipeline.training.options import TrainOptions


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--backbone", default="mobilenet_v3_large")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--num-clips", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    store = ClipStore.open(options.clips)
    usable = store.usable()
    drawn = np.random.default_rng(options.seed).permutation(len(usable))[: options.num_clips]
    clips = [usable[row] for row in sorted(drawn.tolist())]
    features = embed_variant(
        store,
        clips,
        TrainOptions(backbone=options.backbone, weights=options.weights),
        device=torch.device("cpu"),
        runtime="auto",
        progress=iter,
        say=lambda sentence: print(sentence, file=sys.stderr),
    )
    content = io.BytesIO()
    np.savez(
        content,
        X=np.concatenate([features, features[:, ::-1]]),
        y=np.array(["forward"] * len(clips) + ["reversed"] * len(clips)),
        groups=np.array([f"source {clip.group}" for clip in clips] * 2),
        split=np.array(["train"] * 2 * len(clips)),
    )
    write_bytes(options.out, content.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
