"""Configuration: one frozen `Config`; the only reader of the environment."""

from flowrt.config.load import ConfigProblem, Loaded, load
from flowrt.config.model import Config

__all__ = ["Config", "ConfigProblem", "Loaded", "load"]
