"""What single auxiliaries really gain, which signal foresees it, and what is to be expected before anything is trained.

What is imported here needs neither torch nor transformers; `run` does, and only workers and the command line open it.
"""

from pseudofam_core.transfer.beside import Beside, besides, said_of
from pseudofam_core.transfer.costs import MatrixCost, matrix_cost
from pseudofam_core.transfer.kept import kept_requests
from pseudofam_core.transfer.request import TransferRequest, specs_of_target
from pseudofam_core.transfer.results import TransferMatrix, score_matrices, transfer_matrix
from pseudofam_core.transfer.runs import TransferRun, find_transfer
from pseudofam_core.transfer.task import transfer_task

__all__ = [
    "Beside",
    "MatrixCost",
    "TransferMatrix",
    "TransferRequest",
    "TransferRun",
    "besides",
    "find_transfer",
    "kept_requests",
    "matrix_cost",
    "said_of",
    "score_matrices",
    "specs_of_target",
    "transfer_matrix",
    "transfer_task",
]
