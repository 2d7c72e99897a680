"""``manage.py toopher_reset NAME ...``."""

from ..support import ConfirmedRunCommand


class Command(ConfirmedRunCommand):
    """Removes all phones of people. Exit codes: 0 done, 1 failed for somebody, 2 wrong call."""

    help = "Removes all phones of people, here and at the service."
    verb = "reset"
