"""The network of a playground: a bridge, ways out of it, and ports that lead in."""
