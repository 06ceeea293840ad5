"""The front ends: a prompt with line editing, a plain line loop, and lines from a file.

All of them hand lines to one interpreter.  prompt_toolkit is imported by
``shellplay.repl.prompt`` and the modules that only it imports, and by nothing else.
"""
