"""Parts that one page has to itself."""
