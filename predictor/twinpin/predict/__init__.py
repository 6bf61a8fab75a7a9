"""Predict step: the matrix in, the forecast out."""
