"""The commands: typed functions; a module is loaded when one of its commands is used."""
