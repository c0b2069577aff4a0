"""Folders and lists of videos become the clip store, with splits and groups."""
