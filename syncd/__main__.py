"""Lets `python -m syncd` do what the command `syncd` does."""

from syncd.cli import main

if __name__ == "__main__":
    main()
