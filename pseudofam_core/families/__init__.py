"""A target's auxiliaries picked from a matrix: the rule, where it breaks, and how firm the choice is."""
