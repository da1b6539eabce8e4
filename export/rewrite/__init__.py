"""A generator's ONNX graph, and what makes it lean."""
