"""The commands: one table of typed functions, and what parses, completes and runs them.

Importing ``shellplay.cmdline.index`` fills the table.
"""
