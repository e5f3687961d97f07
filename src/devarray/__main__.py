"""``python -m devarray`` is the command ``devarray``."""

import sys

from devarray.cli import main

sys.exit(main())
