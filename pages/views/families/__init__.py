"""Parts of the Families page."""
