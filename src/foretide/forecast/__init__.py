"""Forecasts of count series, whole panels at a time."""
