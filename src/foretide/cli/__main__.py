"""``python -m foretide.cli``."""

from foretide.cli import main

main()
