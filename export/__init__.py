"""From a trained generator to one self-describing .onnx, and from that file to pictures."""
