"""With an ``AdminSite`` of its own."""
