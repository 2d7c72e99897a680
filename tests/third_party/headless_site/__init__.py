"""django-allauth, with allauth.headless."""
