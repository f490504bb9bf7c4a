"""Where facts are kept: the event log and its bus, records, tokens. In SQLite, or in memory.

`open_store(data_dir)` and `open_memory()` give a `Store`.
"""

from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from agor_jupyter.store.opening import open_store

__all__ = ["Store", "open_memory", "open_store"]
