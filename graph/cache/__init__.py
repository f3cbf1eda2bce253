"""What was read from the vendors, kept for a while."""
