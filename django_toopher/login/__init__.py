"""A login by password and second factor, from the password to the session."""
