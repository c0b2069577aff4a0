"""Which head does this data support? A ladder of heads on the same folds, and a verdict with its numbers."""
