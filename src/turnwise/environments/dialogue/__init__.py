"""Dialogue benchmarks: what an agent keeps track of over a conversation."""
