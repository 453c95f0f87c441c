"""Training engines: four operations (`protocol`), and what they run on. `local` is torch in this process."""
