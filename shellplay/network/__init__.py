"""The network of a playground: its bridge, helpers without root, and published ports."""

# The command line of a bridge process in ps(1), by which other playgrounds recognize it.
TITLE = "shellplay: network"
