"""Events: where they come from, their quality, and the store that keeps them."""
