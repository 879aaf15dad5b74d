"""Data sets: the class `Dataset`, which behaves like the book's list of (x, y), and readers of data files."""
