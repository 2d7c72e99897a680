"""Every page below its language, the service beside them."""
