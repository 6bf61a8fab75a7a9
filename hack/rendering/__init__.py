"""Rendering: the manifests, written from the chart."""
