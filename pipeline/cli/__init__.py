"""The command `clipwise`: parse, call one function, print, exit code."""
