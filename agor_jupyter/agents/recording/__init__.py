"""Any session as a script that the demo agent plays again. `recorder` is the door; the rest is its parts."""
