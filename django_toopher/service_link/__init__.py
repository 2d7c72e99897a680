"""How the app reaches the service, and what it looks up there."""
