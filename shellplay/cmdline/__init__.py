"""The command language: registry, tokenizer, binder, completion, help and interpreter."""
