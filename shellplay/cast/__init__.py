"""Casts: a performance as an asciicast file, as an HTML page and as an SVG picture."""
