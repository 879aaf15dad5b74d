"""Data sets: two arrays that behave as the book's list of (x, y), and the files that they are read from."""
