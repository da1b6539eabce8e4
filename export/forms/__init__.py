"""The formats and precisions that a generator is given away in, each compared with it."""
