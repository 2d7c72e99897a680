"""Step-ups: a person confirms one action, which one request is about to carry out."""
