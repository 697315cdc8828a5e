import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # before torch is imported, as rag.models.libraries does

from fakes import FakeMeaning, HashEmbedder, put, says
from rag.index.writer import StoreWriter

pytest_plugins = ["server_fixtures", "page_fixtures"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = (
    "Answer the question using only the numbered passages. "
    "Give a short answer in their words and cite the passage like [2]. "
    "The harbour office opens at 08:30 and closes at 17:00. The crane lifts 40 tonnes. "
    "Question: system user assistant\n"
)


def pytest_collection_modifyitems(items):
    """Begin with the files that take minutes, so that no worker is left alone with one of them at the end."""
    longest = ("test_loop.py", "test_durability.py", "test_peft_parity.py", "test_openapi.py")
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))


@pytest.fixture(autouse=True)
def one_thread(request):
    """Use one thread for the tiny model: with two it is slower, many times so while another program uses a core."""
    if "tiny_model" not in request.fixturenames:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Return the folder of a random two-layer Llama and its tokenizer, which loads like any model."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-model")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [TEXT] * 4, vocab_size=400, min_frequency=2, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 1024}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    eos = tokenizer.eos_token_id
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        **size,
        **heads,
        initializer_range=0.3,
        tie_word_embeddings=False,
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=eos,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_generator(tiny_model):
    from rag.generation.generator import Generator
    from rag.models.resolve import find_model

    return Generator(find_model(str(tiny_model)), "cpu", "float32")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model, tiny_generator, tmp_path_factory):
    """Return the folder of a LoRA adapter for `tiny_model` that changes its output, with identity.json."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from rag.generation.prompt import fingerprint
    from rag.models.resolve import find_model

    folder = tmp_path_factory.mktemp("tiny-adapter")
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config).save_pretrained(folder)
    identity = {
        "base": find_model(str(tiny_model)).digest,
        "prompt": fingerprint(tiny_generator.tokenizer),
        "precision": "float32",
    }
    (folder / "identity.json").write_text(json.dumps(identity))
    return folder


@pytest.fixture
def encoder_of(tmp_path):
    """Return a function that makes a random two-layer BERT, always the same, with the words of a text as vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    from rag.models.resolve import find_model

    def make(text: str):
        words = sorted(set(text.lower().replace(".", " .").replace("?", " ?").replace("#", "").split()))
        (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
        folder = tmp_path / "tiny-encoder"
        BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(folder)
        torch.manual_seed(0)
        size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        BertModel(
            BertConfig(vocab_size=len(words) + 5, max_position_embeddings=256, initializer_range=0.3, **size)
        ).save_pretrained(folder)
        return find_model(str(folder))

    return make


@pytest.fixture
def tiny_embedder():
    return HashEmbedder()


@pytest.fixture
def tiny_index(tmp_path):
    """Return a function that makes a store of {name: text}, in a folder of its own unless one is named."""
    stores = []

    def make(texts: dict[str, str], folder: str | None = None) -> StoreWriter:
        store = StoreWriter(
            tmp_path / (folder or f"index-{len(stores)}"), {"embedder": "tiny", "chunker": "tiny"}, create=True
        )
        stores.append(store)
        for name, text in texts.items():
            put(store, name, text)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def evaluated(tmp_path, tiny_index, tiny_embedder, monkeypatch):
    """Return a function that runs a whole evaluation into a folder and returns its summary.

    It has a few small documents and questions, and no embedding or groundedness model. generator: what answers in place
    of the settings' model. more: fields of the Task.
    """
    from corpus_in_small import DOCUMENTS, PARTS, QUESTIONS
    from eval.report.report import write_report
    from eval.runs.evaluate import Task, evaluate
    from rag.core.sections import RetrievalSettings
    from rag.core.settings import Settings
    from rag.retrieval.retriever import Retriever

    store = tiny_index(DOCUMENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "eval.runs.evaluate.open_retriever",
        lambda settings, index, weights_from: Retriever(store, tiny_embedder, RetrievalSettings()),
    )
    monkeypatch.setattr("eval.runs.scoring.open_embedder", lambda settings: tiny_embedder)
    monkeypatch.setattr("eval.runs.scoring.open_support_model", lambda settings: FakeMeaning())

    def run(folder, generators, generator=None, overrides=(), **more):
        if generator:
            monkeypatch.setattr("eval.runs.evaluate.open_generator", lambda settings, adapter, bases=None: generator)
        fields = {"questions": QUESTIONS, "parts": PARTS, "notes": [], **more}
        written = ["answer.extractive=false", *overrides]  # Scripted writes; spans are another file's
        settings = Settings(written, tmp_path / "none.toml")
        summary = evaluate(settings, Task(folder, store.folder, generators=generators, **fields))
        write_report(folder)
        return summary

    return run


@pytest.fixture
def weights(tmp_path):
    """Return a function that makes folders with adapter weights by name, which no model can load."""

    def make(*names):
        for name in names:
            (tmp_path / "weights" / name).mkdir(parents=True)
            (tmp_path / "weights" / name / "adapter_model.safetensors").write_bytes(name.encode())
        return {name: tmp_path / "weights" / name for name in names}

    return make


@pytest.fixture
def no_network(monkeypatch):
    """Refuse all connections; return the addresses that something tried to reach in `tried`."""
    import socket

    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return SimpleNamespace(tried=tried)


@pytest.fixture
def server():
    """Return a server that replies with the next of `plan` (status, headers, JSON), or "Why?" when that is used up."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.requests.append(
                SimpleNamespace(path=self.path, body=body, key=self.headers.get("Authorization"), at=time.monotonic())
            )
            status, headers, reply = told.plan.pop(0) if told.plan else (200, {}, says("Why?"))
            reply = told.reply(body) if told.reply else reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply if isinstance(reply, bytes) else json.dumps(reply).encode())

        def log_message(self, *args):
            pass

    told = SimpleNamespace(plan=[], requests=[], reply=None)
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{listening.server_port}/v1"
    threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
    yield told
    listening.shutdown()
    listening.server_close()
