"""The stage: recipes are performed, tested, shown and recorded, each in its own playground."""
