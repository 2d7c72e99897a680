"""Below a prefix that the proxy in front takes away."""
