"""What agents that are only a model and a key share: tools, a conversation on disk, the turn's loop.

A kind of agent on this bench gives a `model.Model` (one vendor's API); all else is here. Nothing of
this room imports a vendor's SDK.
"""
