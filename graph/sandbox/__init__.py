"""A seeded, made-up world, and emulators of all vendors."""
