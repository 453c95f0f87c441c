"""The viewer: `pictures` draws worlds, `reading` asks a store, `live` plays and forks, `server` is the API.

The page itself is `web` (TypeScript, built into `web/dist`).
"""
