"""Turnwise: multi-turn interaction of language-model agents in one environment."""

__version__ = "0.1.0"
