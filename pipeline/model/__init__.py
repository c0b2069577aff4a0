"""Backbone, temporal encoder, attention, classifier, checkpoint."""
