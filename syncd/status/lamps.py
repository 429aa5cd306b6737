"""The picture of each light: every one has a form of its own, so that nobody needs to see colours."""

#: Drawn in a square of 16; what has no stroke or fill of its own takes that of its surroundings.
SHAPES = {
    "failing": (
        '<path d="M8 1 15.5 14.5H.5z"/>'
        '<path d="M8 6v4M8 11.9v.1" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/>'
    ),
    "stale": (
        '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.8"/>'
        '<path d="M8 4.4V8l2.4 1.8" fill="none" stroke-width="1.8" stroke-linecap="round"/>'
    ),
    "half-removed": (
        '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.8"/><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z"/>'
    ),
    "waiting": (
        '<path d="M8 .8 15.2 8 8 15.2.8 8z"/>'
        '<path d="M6.3 5.8v4.4M9.7 5.8v4.4" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/>'
    ),
    "not-yet": '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.8" stroke-dasharray="2.6 2.27"/>',
    "running": ('<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.8"/><path d="M6.5 5v6L11 8z"/>'),
    "in-sync": (
        '<circle cx="8" cy="8" r="7"/>'
        '<path d="m4.8 8.2 2.2 2.2 4.2-4.6" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/>'
    ),
}
#: For a browser's tab, whose ground may be light or dark.
_COLOURS = {
    "failing": "#d33a32",
    "stale": "#8a5cc4",
    "half-removed": "#b0417c",
    "waiting": "#b86e00",
    "not-yet": "#7b8490",
    "running": "#3b78d8",
    "in-sync": "#24965d",
}


def icon(light: str) -> str | None:
    """Return the picture of *light* for a browser's tab; None: there is no such light."""
    if light not in SHAPES:
        return None
    colour = _COLOURS[light]
    ground = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="{colour}" stroke="{colour}"'
    return f'<svg {ground} stroke-width="0">{SHAPES[light]}</svg>'
