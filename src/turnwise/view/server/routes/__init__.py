"""Routes: one file a noun. A handler takes what was asked, and gives a record or a response."""
