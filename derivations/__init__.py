"""How a risk law comes about: laws as data, optimizers as data, and the derivation of one from the other."""
