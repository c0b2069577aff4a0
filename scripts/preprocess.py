"""`python scripts/preprocess.py ...` is `clipwise preprocess ...`."""

import sys

from pipeline.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["preprocess", *sys.argv[1:]]))
