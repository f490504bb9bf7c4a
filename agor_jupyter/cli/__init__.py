"""`jupyter agor …`: the demo, and the runners that outlive a server."""
