"""The iframe pages, the calls that they make, and the page that a reset link leads to. None sets or reads a cookie."""
