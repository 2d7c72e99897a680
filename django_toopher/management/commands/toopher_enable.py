"""``manage.py toopher_enable NAME ...``."""

from ..support import RunCommand


class Command(RunCommand):
    """Switches people's second factor on. Exit codes: 0 done, 1 failed for somebody, 2 wrong call."""

    help = "Switches people's second factor on, here and at the service."
    verb = "enable"
