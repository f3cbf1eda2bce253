"""Logs, metrics and spans. They never contain a credential, a body, or a person's data."""
