"""The relative-position bias of T5, looked up once for all sentences, with a gradient for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from pseudofam_core.estimates.fisher.contributions import Rows
from pseudofam_core.estimates.fisher.uses import Layout, Uses, start_graph


@contextmanager
def bias_per_sentence(module: nn.Module, names: Mapping[int, str], uses: Uses, n_sentences: int) -> Iterator[None]:
    """Expand each followed bias, (1, heads, query, key), over the sentences while the context lasts.

    Args:
        module: A model; its attention layers that have ``relative_attention_bias`` and ``compute_bias`` are concerned.
        names: Names of the followed parameters by ``id``.
        uses: Told of each use; it looks away from the look-up in the table.
        n_sentences: B.
    """
    with ExitStack() as stack:
        for attention in module.modules():
            table = getattr(attention, "relative_attention_bias", None)
            if isinstance(table, nn.Embedding) and id(table.weight) in names and hasattr(attention, "compute_bias"):
                bias = _expanded(attention, table, names[id(table.weight)], uses, n_sentences)
                vars(attention)["compute_bias"] = bias
                stack.callback(vars(attention).pop, "compute_bias")
        yield


def _expanded(attention: Any, table: nn.Embedding, name: str, uses: Uses, n_sentences: int) -> Callable[..., Tensor]:
    compute = attention.compute_bias

    def compute_bias(*args: Any, **kwargs: Any) -> Tensor:
        buckets: list[Tensor] = []
        handle = table.register_forward_pre_hook(lambda _, received: buckets.append(received[0]))
        with uses.paused():
            bias: Tensor = compute(*args, **kwargs)
        handle.remove()
        if len(buckets) != 1 or bias.shape != (1, table.embedding_dim, *buckets[0].shape):
            uses.saw(name, Layout.OTHER)
            return bias
        uses.saw(name, Layout.BATCHED)
        ids = buckets[0].reshape(1, -1).expand(n_sentences, -1)
        bias = start_graph(bias.expand(n_sentences, -1, -1, -1))
        uses.used({name: lambda gradient: Rows(gradient.flatten(2).transpose(1, 2), ids)}, bias)
        return bias

    return compute_bias
