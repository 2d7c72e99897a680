"""With a password reset that logs in."""
