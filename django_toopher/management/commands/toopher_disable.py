"""``manage.py toopher_disable NAME ...``."""

from ..support import ConfirmedRunCommand


class Command(ConfirmedRunCommand):
    """Switches people's second factor off. Exit codes: 0 done, 1 failed for somebody, 2 wrong call."""

    help = "Switches people's second factor off, here and at the service."
    verb = "disable"
