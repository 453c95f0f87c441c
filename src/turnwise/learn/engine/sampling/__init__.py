"""Who samples for an engine: the trained weights themselves, a copy of them in this process, or a server."""
