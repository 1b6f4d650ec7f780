"""The paper's open questions as experiments: each answered by running it, one file an experiment.

An experiment says what it expects and what would refute it, which estimates it reads, and what it makes of them. Pages and
commands ask the table (`pseudofam_core.lab.table`) and `pseudofam_core.lab.running`. Nothing here opens torch, but for what
a worker runs.
"""

from pseudofam_core.lab.experiment import Experiment
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.running import Cost, Plan, Resolver, cost, find, planned, run, shipped
from pseudofam_core.lab.table import EXPERIMENTS, experiment

__all__ = [
    "EXPERIMENTS",
    "Chart",
    "Cost",
    "Experiment",
    "Finding",
    "Look",
    "Plan",
    "Resolver",
    "cost",
    "experiment",
    "find",
    "planned",
    "run",
    "shipped",
]
