"""Tools for agents. Under construction: so far the parts of the sandbox that stand alone."""
