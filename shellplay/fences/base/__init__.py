"""The families of the fences, and the options of a fence."""
