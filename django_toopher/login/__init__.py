"""A login by password and second factor, from the question to the session."""
