"""What every call of the service has in common: its signature, its addresses, its replies."""
