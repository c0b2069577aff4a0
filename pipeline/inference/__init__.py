"""A trained model at work on videos."""
