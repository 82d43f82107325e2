"""`python -m gym_llm.cli` is `gym-llm`."""

import sys

from gym_llm.cli import main

if __name__ == "__main__":
    sys.exit(main())
