"""Record a session as a recipe that passes when it is performed again."""
