"""The viewer's server: Starlette, a small typed JSON API, and the page's files."""
