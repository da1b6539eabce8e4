"""GANs of points in the plane: small enough to train in seconds, and simple enough to know D's optimum."""
