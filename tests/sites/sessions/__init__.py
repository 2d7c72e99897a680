"""Sessions in whatever back end ``SITE_SESSIONS`` says."""
