"""Ablation: a recipe with each of some switches toggled alone, trained alike, and what each of them changed."""
