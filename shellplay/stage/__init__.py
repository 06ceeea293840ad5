"""The stage: where recipes are performed, tested and recorded in a playground of their own."""
