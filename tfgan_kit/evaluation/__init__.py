"""Evaluation: what is measured, one pass over its pictures, and the figures with all that they depend on."""
