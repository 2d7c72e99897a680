"""Who asks, who is asked, and where they sit: requesters, users, terminals."""
