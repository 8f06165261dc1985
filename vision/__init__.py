"""What is seen in a picture: detectors and hazard rules."""
