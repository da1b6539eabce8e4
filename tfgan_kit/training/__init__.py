"""Training a recipe: the loop and what it writes into the run folder."""
