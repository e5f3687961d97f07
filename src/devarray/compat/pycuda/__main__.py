"""Run a program written for PyCUDA: ``python -m devarray.compat.pycuda program.py arguments``."""

from __future__ import annotations

import os
import runpy
import sys

from . import install


def main() -> None:
    """Run the program that the command line names."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m devarray.compat.pycuda program.py [arguments]")
    install()
    del sys.argv[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
