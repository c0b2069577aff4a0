"""Heads whose answers can be worked out by hand: linear in the mean of the frames, or in an attended one."""

import numpy as np
import torch

from pipeline.model.head import HeadConfig, SequenceHead


def linear_head(weights: np.ndarray, *, query: np.ndarray | None = None) -> SequenceHead:
    """Logits: weights (K, D) times the mean frame; with a query (D,), times the frames weighed by attention.

    Attention weights are then the softmax of query . x_t.
    """
    num_classes, dim = weights.shape
    head = SequenceHead(
        HeadConfig(
            feature_dim=dim,
            num_classes=num_classes,
            normalise="none",
            lstm_layers=0,
            bidirectional=False,
            time_dense=False,
            pooling="mean" if query is None else "dot",
        )
    )
    with torch.no_grad():
        head.output.weight.copy_(torch.from_numpy(weights))
        head.output.bias.zero_()
        if query is not None:
            head.pooling.get_submodule("query").get_parameter("weight").copy_(
                torch.from_numpy(query * dim**0.5)[None]
            )
    return head.eval()
