"""What the networks of chapters 1 and 3 share."""
