"""With django-allauth: its login, its password reset that logs in, and a social login."""
