"""As the README says, with ``admin.site``."""
