"""Whether a habit passes through states in which both teachers choose alike: states x targets, crossed."""
