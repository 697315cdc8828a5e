"""Adapters of the tiny model on one base: loaded, switched, promoted and dropped while many clients ask."""

import gc
import itertools
import json
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rag.models.registry import Promotion, keep_weights, roll_back, set_live
from rag.server.app import create_app, rules_of
from rag.server.work.service import Service
from serving import QUESTION, on_a_socket, settings_of, until, without_encoders, write_documents

QUESTIONS = (QUESTION, "How much does the crane lift?", "How long is annual leave?")


@pytest.fixture(scope="module")
def adapters(tiny_model, tiny_adapter, tmp_path_factory):
    """Folders of adapters by name: two that act from the question on, one that PEFT attaches and acts everywhere."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    identity, folders = json.loads((tiny_adapter / "identity.json").read_text()), {"everywhere": tiny_adapter}
    for seed, name in enumerate(("reader", "tuned"), 7):
        torch.manual_seed(seed)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
        folders[name] = tmp_path_factory.mktemp(name)
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config).save_pretrained(folders[name])
        (folders[name] / "identity.json").write_text(json.dumps({**identity, "activation": "question", "apart": True}))
    return folders


@pytest.fixture
def service(tiny_model, adapters, tmp_path, monkeypatch):
    from rag.factory import index_folder

    without_encoders(monkeypatch.setattr)
    monkeypatch.setattr("rag.server.work.generators.shipped_reader", lambda settings: adapters["reader"])
    written = ["answer.extractive=false", "answer.max_new_tokens=6", "serve.models=2", "serve.per_minute=0"]
    settings = settings_of(f"model.generator={tiny_model}", "model.precision=float32", "model.device=cpu", *written)
    index_folder(write_documents(tmp_path / "documents"), settings, tmp_path / "index")
    named = {name: folder for name, folder in adapters.items() if name != "reader"}
    made = Service(settings, tmp_path / "index", named)
    yield made
    made.worker.close()


def alone(service, adapter):
    """What a program that has loaded this adapter alone says to each question."""
    from rag.factory import open_answerer, open_generator, open_retriever
    from rag.pipeline import Pipeline

    answerer = open_answerer(service.settings, open_generator(service.settings, adapter))
    pipeline = Pipeline(open_retriever(service.settings, service.index), answerer)
    return {question: pipeline.ask(question).output for question in QUESTIONS}


def test_each_answer_is_that_of_its_adapter_alone_while_adapters_come_and_go(service, adapters):
    expected = {name: alone(service, folder) for name, folder in {"base": None, **adapters}.items()}
    assert len({tuple(each.values()) for each in expected.values()}) == 4, "each adapter answers in its own way"
    kept = keep_weights(service.index, adapters["tuned"], "1-generator-tuned")
    failed, stop, models = [], threading.Event(), set()

    def ask(url: str, first: int) -> None:
        names = itertools.cycle(["ragtune", "base", "everywhere", "tuned", "reader"][first:])
        with httpx.Client(base_url=url, timeout=60) as client:
            for name, question in zip(names, itertools.cycle(QUESTIONS), strict=False):
                if stop.is_set():
                    return
                response = client.post("/ask", json={"question": question, "model": name})
                model = response.json().get("model", "none")
                says = expected.get("tuned" if model == "live" else model, {}).get(question)
                models.add(model)
                if response.status_code != 200 or response.json()["output"] != says:
                    failed.append((name, response.text))

    with on_a_socket(create_app(service, rules_of(service, True, "token"))) as url, ThreadPoolExecutor(4) as clients:
        running = [clients.submit(ask, url, first) for first in range(4)]
        with httpx.Client(base_url=url, timeout=60) as client:
            for _ in range(2):
                set_live(service.index, {"generator": Promotion(kept, "it is better")})
                until(lambda: "live" in models or failed)
                assert client.post("/models/everywhere").status_code == 200
                assert client.delete("/models/base").status_code in (204, 409)
                assert client.put("/models/default", json={"model": "tuned"}).status_code == 200
                assert client.delete("/models/reader").status_code in (204, 409)
                assert client.put("/models/default", json={"model": "ragtune"}).status_code == 200
                roll_back(service.index)
                models.clear()
                until(lambda: models >= {"base", "everywhere", "tuned", "reader"} or failed)
        stop.set()
        assert [each.result(60) for each in running] == [None] * 4
    assert failed == []


def test_all_generators_share_one_base_and_a_dropped_one_is_freed(service):
    def generator(name):
        return service.generators.open(service.generators.resolve(name)).generator

    base, tuned = generator("base"), generator("tuned")
    assert tuned.base_model is base.base_model and tuned.prefix_reader.cache is base.prefix_reader.cache
    mine, bases = (set(id(weight) for weight in model.parameters()) for model in (tuned._model, base.base_model))
    assert bases <= mine, "what is not adapted is the base's own"
    model = weakref.ref(tuned._model)
    del tuned
    assert service.generators.drop("tuned")
    gc.collect()
    assert model() is None and service.generators.loaded() == ["base"]
