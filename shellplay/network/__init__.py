"""The network of a playground: a bridge, ways out of it, and ports that lead in."""

# What ps(1) shows of the process that has the bridge; others know it by that.
TITLE = "shellplay: network"
