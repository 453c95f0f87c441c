"""The two organisations, made from a seed: people, goods, cases, sales, and the articles that say the rules.

Each file makes the records of some objects, `ledger` collects them, and `org` puts it all together.
"""
