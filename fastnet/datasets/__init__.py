"""Data sets: the class `Dataset`, which behaves as the book's list of (x, y), and readers of data files."""
