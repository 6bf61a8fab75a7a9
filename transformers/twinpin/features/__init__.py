"""Features step: entity keys in, raw feature columns out."""
