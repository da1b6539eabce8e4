"""What a model file holds, read from its bytes before anything runs it."""
