"""Environments: conversations as functions, one file (or folder) each."""
