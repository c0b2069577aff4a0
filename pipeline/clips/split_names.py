"""The words with which folders, files and columns of others name a split."""

import re

from pipeline.clips.clip import Split

_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainset", "trainlist"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "vallist"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testlist"), "test"),
}


def split_of_word(word: str) -> Split | None:
    """The split that a word means; None: it is none of them."""
    return _WORDS.get(word.strip().lower())


def split_in_name(name: str) -> Split | None:
    """The split that a name holds as one of its words (ucf101_train_split_1); None: none, or several."""
    splits = {split for word in words(name) if (split := split_of_word(word)) is not None}
    return splits.pop() if len(splits) == 1 else None


def words(name: str) -> list[str]:
    """A name cut into runs of letters and what stands between them."""
    return re.split(r"([^a-zA-Z]+)", name)
