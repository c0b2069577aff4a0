"""One clip by its id, the beginning of it, or its path; misses offer what is close."""

from pathlib import Path

import pytest

from pipeline.clips.lookup import find_clip
from pipeline.errors import UsageError
from tests.helpers.stores import make_store


def test_by_id_prefix_path_and_file_name(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    wanted = store.clips[0]
    for name in (wanted.id, wanted.path):
        assert find_clip(store, name) == wanted
    assert find_clip(store, "clip-1-val-00" + "2").path == "up/val-002.avi"
    store = make_store(tmp_path / "two", classes=("a", "b"), clips_per_class={"train": 1, "test": 1})
    assert find_clip(store, "clip-0-tr").path == "a/train-000.avi"


def test_several_and_none(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    with pytest.raises(UsageError, match=r"fits 12 clips .* and 7 more\. Give more of the id"):
        find_clip(store, "clip-0")
    with pytest.raises(UsageError, match=r"fits 2 clips"):
        find_clip(store, "train-000.avi")
    with pytest.raises(UsageError, match=r"no clip .*Did you mean clip-0-test-000 \(down/test-000.avi\)"):
        find_clip(store, "down/tset-000.avi")
    with pytest.raises(UsageError, match=r"no clip of .* '\?'\. clips\.csv"):
        find_clip(store, "?")
