"""What one user will do."""
