"""``python -m mailroom``."""

from mailroom.cli import main

if __name__ == "__main__":
    main()
