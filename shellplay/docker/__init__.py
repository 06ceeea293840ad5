"""``run``: what the words of ``docker run`` ask for, as fences and a program behind them."""
