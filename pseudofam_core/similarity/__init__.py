"""Pairs compared by their Fisher diagonals: matrices by every measure, a curve over every K, resampled replicates."""
