"""What support staff do to people's second factor, for one person or for many."""
