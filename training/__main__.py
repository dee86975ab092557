"""Run the command line: ``python -m training``, also installed as ``twinlens-train``."""

from __future__ import annotations

from training.cli.app import main

if __name__ == "__main__":
    main()
