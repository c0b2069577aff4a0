"""The one prediction function, and judgement: metrics and baselines."""
