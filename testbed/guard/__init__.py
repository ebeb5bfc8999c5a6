"""A guard over training: it plays probe scenes with what is trained, beside a reference, and says when to stop."""
