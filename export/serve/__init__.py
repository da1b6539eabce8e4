"""Pictures over HTTP: `tfgan serve`, a small service around one model file. No TensorFlow here."""
