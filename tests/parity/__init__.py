"""Compare the inside of ``run`` with that of a real ``docker run``."""
