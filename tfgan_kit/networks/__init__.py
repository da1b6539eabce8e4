"""Networks, a family a file. Resolution, channels and classes are arguments.

A family gives `generator(...)`: z (B, z_dim) float32, c (B, A) int32 if there are classes, and noise (B, M) float32 if
it draws at random, to images (B, H, W, C) float32 in [-1, 1]; and `discriminator(...)`: images, c and noise likewise,
to `tfgan_kit.terms.Outputs`.
"""
