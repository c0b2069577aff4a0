"""`python scripts/classify.py ...` is `clipwise classify ...`."""

import sys

from pipeline.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["classify", *sys.argv[1:]]))
