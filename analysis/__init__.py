"""The way of one photo or clip from stored bytes to findings."""
