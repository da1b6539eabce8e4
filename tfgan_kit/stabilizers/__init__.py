"""What steadies training beside the losses: labels, noise, memories of past fakes and weights, and whose turn it is."""
