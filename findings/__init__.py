"""What the packages above produce and others consume: findings, the milestone's gate, events."""
