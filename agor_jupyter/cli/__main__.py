"""`python -m agor_jupyter.cli` is `jupyter agor`."""

import sys

from agor_jupyter.cli.main import main

sys.exit(main())
