"""The second factors that the site itself keeps, one module each."""
