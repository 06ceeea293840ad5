"""The front ends: a prompt with line editing, a plain line loop, and lines from a file.

Each front end passes lines to one interpreter.  Only ``shellplay.repl.prompt``, and the modules
that it alone imports, load prompt_toolkit.
"""
