"""The house for agents and outside clients: its verbs as MCP tools."""
