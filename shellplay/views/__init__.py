"""Views: they turn values into tables, lines and JSON; a view reads nothing from the system."""
