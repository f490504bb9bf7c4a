"""What Jupyter loads: `AgorApp`, its traits, and the wiring of all rooms into one house."""

from agor_jupyter.extension.app import AgorApp

__all__ = ["AgorApp"]
