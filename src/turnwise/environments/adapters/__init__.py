"""Environments of other libraries, run as they are: `gym:ID`, `textarena:GAME`, `verifiers:ENV`.

Each module makes an `Environment` of what stands after its prefix. `foreign.py` is what they share: the game
as three calls, and the script that plays it, with its answers recorded where it is not known to repeat them.
"""
