"""How well translations are: BLEU and chrF++ with their signatures, tests of differences, COMET beside them.

Only `translating` opens torch.
"""
