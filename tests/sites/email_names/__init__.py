"""Users without a user name: an e-mail address, and a UUID as key."""
