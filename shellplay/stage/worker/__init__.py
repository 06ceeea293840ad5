"""Worker processes: each performs one recipe in its own playground."""
