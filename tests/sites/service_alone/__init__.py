"""The service alone, for other sites."""
