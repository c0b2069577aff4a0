"""What exporters do not know is said in operators that they know."""

import pytest
import torch
from torch import nn

from pipeline.embedding import onnx_export


@pytest.mark.parametrize(("length", "size"), [(7, 4), (100, 56), (3, 5), (8, 8)])
def test_pooling_by_matrices_is_pooling(length: int, size: int) -> None:
    values, pooling = torch.rand(2, 3, length, length + 1), nn.AdaptiveAvgPool2d((size, 2))
    expected = pooling(values)
    with onnx_export._PoolingByMatrices():
        torch.testing.assert_close(pooling(values), expected)
