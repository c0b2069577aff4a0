"""Plain results in, pictures out."""
