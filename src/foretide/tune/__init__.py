"""Tuning: the settings of a user model that would have told best what users did, before the test cut-off."""
