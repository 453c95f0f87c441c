"""Learning from episodes: rows and batches, credit, losses, and a trainer, each usable without the rest."""
