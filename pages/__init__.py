"""One thin script per page of the explorer."""
