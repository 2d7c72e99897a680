"""Staff who act as other people, with django-hijack and django-impersonate."""
