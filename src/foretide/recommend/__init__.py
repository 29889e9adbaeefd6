"""What to show a user in the light of where the user is heading."""
