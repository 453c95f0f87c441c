"""Pictures of worlds, drawn: in the terminal (`terminal`), as SVG (`svg`), as PNG and GIF (`raster`).

A world says what there is to see (`turnwise.environments.parts.picture`); `scene` lays it out once for SVG
and for bitmaps, so that both look the same. Marks such as chessmen are shapes of our own (`shapes`), so that
no font decides how a board looks.
"""

from __future__ import annotations
