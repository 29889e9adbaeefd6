"""How predictions are judged: metrics, splits by time, backtests."""
