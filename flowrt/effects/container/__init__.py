"""Containers: `run.container`, on an engine that speaks Docker's API or as a Kubernetes Job."""
