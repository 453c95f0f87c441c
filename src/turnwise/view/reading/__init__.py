"""What the viewer's pages need, read from a store: one file a question."""
