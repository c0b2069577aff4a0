import numpy as np
import pytest
import torch

from pipeline.model.lengths import given_lengths, valid_steps

NAN = float("nan")


@pytest.mark.parametrize(
    ("clip", "length"),
    [
        ([[1, 2], [3, 4], [5, 6]], 3),
        ([[1, 2], [3, 4], [NAN, NAN]], 2),
        ([[1, 2], [NAN, NAN], [NAN, NAN]], 1),
        ([[1, 2], [NAN, NAN], [3, 4]], 3),  # a hole is no end
        ([[1, 2], [3, 4], [NAN, 6]], 3),  # nor is a step with a number in it
        ([[1, 2], [NAN, 4], [NAN, NAN]], 2),
        ([[NAN, NAN], [NAN, NAN], [NAN, NAN]], 1),  # spoilt
        ([[NAN, NAN], [3, 4], [NAN, NAN]], 2),
    ],
)
def test_the_end_of_a_clip(clip: list[list[float]], length: int) -> None:
    whole = [[1.0, 1.0]] * 3
    features = np.array([clip, whole, clip], np.float32)
    assert given_lengths(features).tolist() == [length, 3, length]
    found = given_lengths(torch.from_numpy(features))
    assert found.dtype == torch.int64
    assert found.tolist() == [length, 3, length]
    assert len(valid_steps(features[0])) == length


def test_features_of_several_frames_a_segment() -> None:
    features = torch.zeros(2, 3, 5, 4)  # (N, T, m, D)
    features[1, 2] = NAN
    assert given_lengths(features).tolist() == [3, 2]
