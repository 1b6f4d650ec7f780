"""One script per promise; the last line printed is RESULT {json}."""
