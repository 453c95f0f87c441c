"""`python -m turnwise`."""

from turnwise.cli.main import main

main()
