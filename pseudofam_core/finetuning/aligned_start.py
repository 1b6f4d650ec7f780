"""First weights that know which subwords translate one another, for training with little time.

From random weights a small model spends its first thousand updates on learning English before it looks at the source. Here
subwords that stand in translations of one another more often than by chance begin with similar embeddings, and the
decoder begins with the mean of what the encoder gives: a translation as a bag of words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh
from transformers import M2M100ForConditionalGeneration

from pseudofam_core.models.tokenization import EncodedPair


def align(model: M2M100ForConditionalGeneration, sentences: Sequence[EncodedPair], *, seed: int) -> None:
    """Set a fresh model's embeddings and the values of its cross-attention, in place; other weights stay random."""
    shared = model.model.shared.weight
    known = translation_embeddings(sentences, n_tokens=shared.shape[0], dimensions=shared.shape[1], seed=seed)
    layers = model.model.decoder.layers
    with torch.no_grad():
        shared.copy_(torch.from_numpy(known))
        shared[model.config.pad_token_id] = 0
        for layer in layers:
            torch.nn.init.eye_(layer.encoder_attn.v_proj.weight)
            torch.nn.init.eye_(layer.encoder_attn.out_proj.weight).div_(len(layers))


def translation_embeddings(
    sentences: Sequence[EncodedPair], *, n_tokens: int, dimensions: int, seed: int
) -> npt.NDArray[np.float32]:
    """Vectors of length 1 by token, in which subwords of both sides that translate one another are near.

    The leading eigenvectors, weighted by the root of their eigenvalues, of the symmetric matrix of positive pointwise mutual
    information between source and target tokens of a sentence pair (Levy and Goldberg, 2014): max(0, log n N / n_s n_t) for n
    of N sentence pairs that hold source token s and target token t, n_s and n_t of them each. Tokens without any take
    random directions.

    Args:
        sentences: Tokens of both sides.
        n_tokens: Size of the vocabulary.
        dimensions: Of the vectors, fewer than tokens.
        seed: Of the random directions and of the iteration's start.

    Returns:
        (n_tokens, dimensions), float32.
    """
    rng = np.random.default_rng(seed)
    random = rng.standard_normal((n_tokens, dimensions))
    information = _information(
        *(_held([getattr(sentence, side) for sentence in sentences], n_tokens) for side in ("source", "target"))
    )
    both = information + information.T
    values, vectors = eigsh(both, k=dimensions, which="LA", v0=rng.standard_normal(n_tokens))
    directions = vectors * np.sqrt(np.clip(values, 0, None))
    known = np.linalg.norm(directions, axis=1) > 1e-6
    rows = np.where(known[:, None], directions, random)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _held(sides: Sequence[Sequence[int]], n_tokens: int) -> csr_array:
    """Which tokens a sentence holds, (n, n_tokens), 1 where it does."""
    tokens = [sorted(set(sentence)) for sentence in sides]
    ends = np.cumsum([0, *map(len, tokens)])
    flat = np.concatenate([np.asarray(held) for held in tokens])
    return csr_array((np.ones(len(flat)), flat, ends), shape=(len(sides), n_tokens))


def _information(sources: csr_array, targets: csr_array) -> csr_array:
    joint = (sources.T @ targets).tocoo()
    n_source, n_target = sources.sum(axis=0), targets.sum(axis=0)
    information = np.log(joint.data * sources.shape[0] / (n_source[joint.row] * n_target[joint.col]))
    return csr_array((np.maximum(information, 0), (joint.row, joint.col)), shape=joint.shape)
