"""Code that the networks of chapters 1, 3 and 6 share."""
