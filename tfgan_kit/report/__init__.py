"""The report of a run: report.html and MODEL_CARD.md, from what lies in the run folder. No TensorFlow here."""
