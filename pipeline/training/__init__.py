"""Dataset, augmentation, fit."""
