"""Tools for agents: typed functions, and Python in a sandbox."""
