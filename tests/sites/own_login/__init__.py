"""With another login page than ours."""
