"""Authentication of outgoing calls: the DSL's policies, carried out around one request."""

from .authentication import Authentication
from .policy import policy_problems
from .scheme import Answered, Signed

__all__ = ["Answered", "Authentication", "Signed", "policy_problems"]
