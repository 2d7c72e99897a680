"""What every call of the service has in common: its signature, its ids, its replies, the links in them."""
