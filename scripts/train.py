"""`python scripts/train.py ...` is `clipwise train ...`."""

import sys

from pipeline.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
