"""The inside of ``run`` beside that of a real ``docker run``."""
