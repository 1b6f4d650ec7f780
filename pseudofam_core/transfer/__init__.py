"""What single auxiliaries really gain, which signal foresees it, and what is to be expected before anything is trained.

What is imported here needs neither torch nor transformers; `run` does, and only workers and the command line open it.
"""

from pseudofam_core.transfer.costs import MatrixCost, matrix_cost, seconds_per_update_of
from pseudofam_core.transfer.request import TransferRequest, specs_of_target
from pseudofam_core.transfer.results import TransferMatrix, score_matrices, transfer_matrix
from pseudofam_core.transfer.runs import TransferRun, find_transfer
from pseudofam_core.transfer.task import transfer_task

__all__ = [
    "MatrixCost",
    "TransferMatrix",
    "TransferRequest",
    "TransferRun",
    "find_transfer",
    "matrix_cost",
    "score_matrices",
    "seconds_per_update_of",
    "specs_of_target",
    "transfer_matrix",
    "transfer_task",
]
