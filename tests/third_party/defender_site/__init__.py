"""django-defender, which counts failed logins in Redis."""
