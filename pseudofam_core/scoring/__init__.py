"""How good outputs are: metrics with their signatures, what text is scored, tests of differences, COMET beside them.

Only `translating` opens torch.
"""
