"""What the process tells of itself: logs, metrics, spans. Never a credential, a body, or a person's data."""
