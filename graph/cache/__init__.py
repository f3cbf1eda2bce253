"""The cache of what was read from the vendors."""
