"""The commands: typed functions, each loaded when it is used."""
