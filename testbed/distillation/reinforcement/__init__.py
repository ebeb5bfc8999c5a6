"""Learning by reward: PPO of k policies at once, each in worlds of its own, all in one batch."""
