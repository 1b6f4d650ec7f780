"""What a matrix looks like as a whole: trees, clusters, maps, and what it goes along with."""
