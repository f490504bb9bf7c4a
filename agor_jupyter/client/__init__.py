"""A REST client of the standard library only, for kernels and the command line.

`discover` finds servers, `http` speaks to one, `stream` follows a session, `api` names the verbs.
It must load in a kernel's environment that holds none of the server's packages.
"""
