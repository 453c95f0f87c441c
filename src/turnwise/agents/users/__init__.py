"""Simulated users: people played by models or by rules, for whoever is tried on them."""
