"""Where runs live: SQLite by default, PostgreSQL by URL, through the same code."""
