"""Makes the people of the demo."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from example_project.demo import PEOPLE


class Command(BaseCommand):
    """``manage.py demo_users``: alice, bob and admin. People who are there already stay as they are."""

    help = "Makes the demo's users alice, bob and admin; refuses on a site without DEBUG."

    def add_arguments(self, parser: CommandParser) -> None:
        """One option."""
        parser.add_argument("--reset", action="store_true", help="give people who are there the demo's password again")

    def handle(self, *args: Any, reset: bool = False, **options: Any) -> None:
        """Make them, and say whom."""
        if not settings.DEBUG:
            raise CommandError("The demo's passwords are public: demo_users works with DEBUG on only.")
        users = get_user_model().objects
        for person in PEOPLE:
            user, created = users.get_or_create(
                username=person.username,
                defaults={
                    "email": f"{person.username}@example.com",
                    "is_staff": person.is_staff,
                    "is_superuser": person.is_staff,
                },
            )
            if created or reset:
                user.set_password(person.password)
                user.save(update_fields=["password"])
            elif not user.check_password(person.password):
                self.stdout.write(f"  {person.username:<6} has another password by now (--reset changes it back)")
                continue
            self.stdout.write(f"  {person.username:<6} {person.password:<14} {person.role}")
