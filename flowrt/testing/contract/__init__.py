"""The parts of the contract suite for stores; `flowrt.testing.stores` puts them together."""
