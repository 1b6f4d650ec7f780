"""What several pages share: inputs, loading, job cards, states."""
