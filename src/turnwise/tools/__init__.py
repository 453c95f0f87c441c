"""Tools for agents: typed functions, desks that share a state, SQL, Python in a sandbox, MCP servers."""
