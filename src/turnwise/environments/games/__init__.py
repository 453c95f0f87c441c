"""Games: small worlds with rules, scores and solvers of their own."""
