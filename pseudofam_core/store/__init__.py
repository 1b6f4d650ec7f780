"""Results on disk: the artifact cache, the keys that name them, and the way from JSON back to frozen values."""
