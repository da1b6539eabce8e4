"""The parts of a sampler: sessions, inputs, runs beside each other."""
