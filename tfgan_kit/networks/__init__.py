"""Networks, a family a file. Resolution, channels and classes are arguments.

A family gives `generator(...)`: z (B, z_dim) float32, and c (B,) int32 if there are classes, to images (B, H, W, C)
float32 in [-1, 1]; and `discriminator(...)`: images, and c, to logits (B,) float32.
"""
