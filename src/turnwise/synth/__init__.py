"""Data sets made by playing: each module makes those of one system, as a function and as a command."""
