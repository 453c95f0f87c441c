"""The engine: many episodes at once, within limits, durably."""
