"""What was known about users at a moment, computed bucket by bucket."""
