"""`python -m flowrt`."""

from flowrt.cli import main

if __name__ == "__main__":
    main()
