"""What an operator runs now and then."""
