"""``python -m phases.cli``."""

import sys

from phases.cli import main

if __name__ == "__main__":
    sys.exit(main())
