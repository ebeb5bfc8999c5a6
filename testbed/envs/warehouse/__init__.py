"""What all warehouse scenes share: the Fetch robot, the bench, the coworker's hand, both forms, state, picture."""
