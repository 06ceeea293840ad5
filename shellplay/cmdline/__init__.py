"""The command language: table, parser, completion, help and interpreter."""
