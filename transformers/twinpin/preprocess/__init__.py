"""Preprocessing step: raw columns in, one matrix out."""
