"""Results as files for others: CSV, LaTeX, figures, and estimates as a zip."""
