import pytest

from finetune.estimate import Cost, measure, plan
from rag.models import find_model


@pytest.mark.parametrize("method", ["prefix", "whole"])
@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_every_cost_is_measured(tiny_model, method, precision):
    cost = measure(find_model(str(tiny_model)), "cpu", precision, 4, 2, method)
    assert cost.train > 0 and cost.read > 0 and cost.write > 0


def test_passages_are_read_once_with_the_prefix_method_whatever_the_epochs():
    cost = Cost(train=0.0, read=1.0, write=0.0)
    assert plan(cost, 100, 2, 10, 1, "prefix")["sft"] == plan(cost, 100, 8, 10, 1, "prefix")["sft"] == pytest.approx(70)
    assert plan(cost, 100, 8, 10, 1, "whole")["sft"] == 4 * plan(cost, 100, 2, 10, 1, "whole")["sft"]
