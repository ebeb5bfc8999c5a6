"""Learning by reward: SB3's PPO on the batch environments."""
