"""Run the command line: ``python -m core``, also installed as ``twinlens-cli``."""

from __future__ import annotations

from core.cli.app import main

if __name__ == "__main__":
    main()
