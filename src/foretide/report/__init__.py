"""A self-contained report on where the users are heading."""
