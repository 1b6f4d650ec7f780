"""Low-rank adapters through peft, an optional dependency."""

from __future__ import annotations

import warnings
from dataclasses import replace

from pseudofam_core.errors import ModelError
from pseudofam_core.finetuning.recipe import Lora
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.models.tokenization import ModelFamily

# Query and value projections, as the families call them.
_T5_TARGETS, _TARGETS = ("q", "v"), ("q_proj", "v_proj")


def with_adapters(model: TranslationModel, lora: Lora) -> TranslationModel:
    """The model with adapters in every attention; only they are trainable. Its module is changed in place.

    Raises:
        ModelError: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ModelError(
            "LoRA needs the package peft. Install it (pip install peft), or train without lora."
        ) from error
    t5 = model.family in (ModelFamily.T5, ModelFamily.MADLAD)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(_T5_TARGETS if t5 else _TARGETS),
        task_type="SEQ_2_SEQ_LM",
    )
    return replace(model, module=get_peft_model(model.module, config))


def merged(model: TranslationModel) -> TranslationModel:
    """The adapted model as an ordinary one: the adapters added to the weights."""
    config = model.module.get_base_model().config
    tied = config.tie_word_embeddings
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of what is undone in the next line
        module = model.module.merge_and_unload()
    # peft says False where the output layer alone is apart; a model that is loaded so has no other tied weights either.
    config.tie_word_embeddings = tied
    return replace(model, module=module)
