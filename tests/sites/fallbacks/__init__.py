"""Pages that no view makes: Django's flat pages, for members, and a cache of the whole site."""
