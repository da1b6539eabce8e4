"""Walks, sums and searches in a generator's space of latents."""
