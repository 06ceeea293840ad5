"""``run``: translate the words of ``docker run`` to fences and a program behind them."""
