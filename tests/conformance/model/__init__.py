"""What Lambda's control plane means, as plain Python.

Written from the description of the service before any handler of ours was. An operation is a method of Account under
its own name in snake case, its parameters are the members of the request. It returns the members of the reply that
the description fixes, changes the state, or raises Refused. What the description leaves open stays open: OPEN is a
value of any kind, ABSENT a member that must not be there, Revision an id that is learnt from the first reply that has
it; a refusal without a message may say anything. One request has one fault at most: which of two faults is told first
is open."""

import re

from .functions import Functions
from .layers import Layers
from .settings import Settings
from .words import (ABSENT, LATEST, OPEN, STALE, AnyOrder, OneOf, Refused, Revision, differences, function_arn,
                    layer_arn)

__all__ = ["ABSENT", "LATEST", "OPEN", "STALE", "Account", "AnyOrder", "OneOf", "Refused", "Revision", "differences",
           "function_arn", "layer_arn"]


class Account(Functions, Settings, Layers):
    def perform(self, operation, **parameters):
        return getattr(self, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())(**parameters)
