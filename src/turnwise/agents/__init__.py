"""Agents beyond the plain chat agent and tool loop: people and simulated users."""
