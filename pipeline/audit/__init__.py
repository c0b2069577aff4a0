"""What is wrong with the data: duplicates, leaks, shortcuts. Numbers in, plain results out."""
