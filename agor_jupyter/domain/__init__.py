"""The words and rules of the house: pure values and functions.

Nothing here does I/O, reads a clock, awaits, or knows Jupyter.
"""
