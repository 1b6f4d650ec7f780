"""Signals: what may foresee, before any training, which auxiliary helps a target; one table, and the matrices it gives.

Nothing here opens torch but `pseudofam_core.signals.computing`, the door through which missing evidence is made.
"""

from pseudofam_core.signals.matrices import find_signal_matrices, signal_matrices
from pseudofam_core.signals.results import SignalMatrix, is_itself
from pseudofam_core.signals.table import SIGNALS, Need, Signal

__all__ = ["SIGNALS", "Need", "Signal", "SignalMatrix", "find_signal_matrices", "is_itself", "signal_matrices"]
