"""What the service tells other code."""

from django.dispatch import Signal

sign_in_reported = Signal()
"""A person said "it wasn't me". ``alarm`` is the ``models.Alarm``. A receiver that fails is logged, no more."""
