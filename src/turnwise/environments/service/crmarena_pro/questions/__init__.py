"""Tasks over the organisations made here: each asks what can be worked out from the records, in Python.

`draft` is how a question is put, `tasks` puts all together; the other files have the kinds of questions, by
what they are about. How an agent would find the same by queries is in `analyst.py`, which shares no code with
these.
"""
