"""The same work in flowrt and in what a user would pick instead, side by side: `python -m benchmarks.peers`.

Every runtime is a program of ours on its published packages, started once, that answers one line with one measurement;
so that rounds can alternate between them, each warm. Their packages are fetched into the cache of the tests.
"""
