"""Dashboards: what Grafana shows of a release, built with Grafana's own types."""
