"""Where the rooms meet: what an episode, a measure, a habit, a policy and a scene are."""
