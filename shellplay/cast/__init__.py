"""Casts: what a performance looked like, as asciicast, as a page and as a picture."""
