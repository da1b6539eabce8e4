"""Metrics: features of pictures, their statistics, and the number; a metric a file, numpy alone."""
