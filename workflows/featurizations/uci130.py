"""Facts of the UCI 130-hospitals source."""

from workflows.declare import *

uci130 = Featurization(name="uci130", source="uci130", cluster="ml_cpu")
