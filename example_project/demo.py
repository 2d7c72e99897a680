"""The people of the demo."""

from typing import NamedTuple


class Person(NamedTuple):
    """Somebody to log in as."""

    username: str
    password: str
    role: str
    is_staff: bool = False


PEOPLE = (
    Person("alice", "alice-rows", "a member"),
    Person("bob", "bob-steers", "another member"),
    Person("admin", "admin-coaches", "runs the club: sees the admin", is_staff=True),
)
