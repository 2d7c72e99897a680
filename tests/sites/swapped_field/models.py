"""Who is a member."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    """Has a user name, but signs in with the number on the card."""

    username = models.CharField(max_length=50, blank=True)
    card = models.PositiveIntegerField(unique=True)

    USERNAME_FIELD = "card"
