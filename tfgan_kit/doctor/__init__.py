"""The doctor: what is wrong with a run, since when, by which figures, and what to try. No TensorFlow here."""
