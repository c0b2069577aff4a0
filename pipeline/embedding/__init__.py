"""The frozen backbone at work: features of clips and their cache."""
