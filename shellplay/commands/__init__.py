"""The commands: one table of typed functions, and what parses, completes and runs them.

Importing ``shellplay.commands.table`` fills the table.
"""
