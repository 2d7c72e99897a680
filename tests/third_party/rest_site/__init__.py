"""Django REST framework, simplejwt and dj-rest-auth, as their documentations begin."""
