"""Fixtures of every test: the real servers."""

# Its plugin would import it when all tests are over, and pytest parse it then: while threads that tests have left
# behind parse something, CPython 3.11 takes that for an error of its own (AST constructor recursion depth).
import hypothesis  # noqa: F401

pytest_plugins = ["tests.servers.fixtures"]
