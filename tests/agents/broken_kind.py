"""An agent package that fails while it is imported."""

kind = 1 / 0
