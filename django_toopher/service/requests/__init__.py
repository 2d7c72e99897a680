"""Authentication requests: asked, answered, waited for."""
