"""A seeded world, and the emulators of all vendors over it."""
