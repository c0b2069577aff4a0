"""The trained model on clips whose frames are in random order: what its answers owe to the order."""

import numpy as np

from pipeline.embedding.embedder import Embedder
from pipeline.evaluation.metrics import Scores, score
from pipeline.evaluation.predict import predict
from pipeline.model.head import SequenceHead
from pipeline.model.lengths import valid_steps

NUM_SHUFFLES = 5
_SEED = 20_201


def score_shuffled(
    embedder: Embedder, head: SequenceHead, features: np.ndarray, true: np.ndarray, num_classes: int
) -> Scores:
    """Mean scores over `NUM_SHUFFLES` random orders of each clip.

    Args:
        embedder: computed the features.
        head: in eval mode.
        features: (N, T, D) of the clips in their true order; padding stays out of it.
        true: class indices (N,).
        num_classes: K.
    """
    random = np.random.default_rng(_SEED)
    rounds = []
    for _ in range(NUM_SHUFFLES):
        predicted = []
        for clip_features in map(valid_steps, features):
            order = random.permutation(len(clip_features))
            predicted.append(predict(head, embedder.reordered(clip_features, order)).class_index)
        rounds.append(score(true, np.array(predicted), num_classes))
    return Scores(
        accuracy=float(np.mean([scores.accuracy for scores in rounds])),
        macro_f1=float(np.mean([scores.macro_f1 for scores in rounds])),
        balanced_accuracy=float(np.mean([scores.balanced_accuracy for scores in rounds])),
    )
