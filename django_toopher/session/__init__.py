"""What this app keeps in a session, and whether that is still true."""
