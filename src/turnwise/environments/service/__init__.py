"""Services: an assistant with tools, a user with a goal, and benchmarks of the two."""
