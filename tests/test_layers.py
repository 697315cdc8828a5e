"""The order of packages and folders: every import points down, and nothing imports itself in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the bottom up: a folder or file may import those of groups above it in this list, none of its own group.
ORDER = {
    "rag": [
        {"core"},
        {"documents.formats.base"},
        {"documents.formats.tables"},
        {"documents.formats.text", "documents.formats.office", "documents.formats.pdf"},
        {"documents.formats"},
        {"documents", "models"},
        {"index", "generation"},
        {"retrieval", "labels"},
        {"answering.wording"},
        {"answering.evidence"},
        {"answering.kinds"},
        {"answering.spans"},
        {"answering.tables"},
        {"answering"},
        {"answering.comparisons"},
        {"pipeline"},
        {"encoder_factory"},
        {"factory"},
        {"server.state"},
        {"server.trial"},
        {"server.work"},
        {"server.api"},
        {"server"},
        {"cli", "langchain"},
        {"__main__"},
    ],
    "finetune": [
        {"settings", "training_loop"},
        {"data"},
        {"mining"},
        {"generator", "human", "retriever"},
        {"shipped", "export"},
        {"experiments", "promote", "time_budget", "api"},
        {"cli"},
        {"__main__"},
    ],
    "eval": [
        {"metrics"},
        {"runs"},
        {"suites.pdf_layouts", "suites.faults", "suites.fuzz"},
        {"promotion", "report", "suites"},
        {"cli"},
        {"__main__"},
    ],
}
MAY_USE = {"rag": {"rag"}, "finetune": {"finetune", "rag"}, "eval": {"eval", "rag"}}


def folder_of(module: str) -> str:
    """The folder of a module below its package, or the module itself where it stands beside the folders."""
    parts = module.split(".")
    while len(parts) > 1 and not (ROOT.joinpath(*parts) / "__init__.py").exists():
        parts.pop()
    return ".".join(parts[1:] or module.split(".")[1:2] or ["__init__"])


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inner if ROOT.joinpath(*name.split(".")).with_suffix(".py").exists()}
            found |= modules or {node.module}
    return found


def arrows(package: str) -> set[tuple[str, str]]:
    """The folder and the imported module of every import of ours."""
    found = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        here = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found |= {(folder_of(here), name) for name in imports(path) if name.split(".")[0] in ORDER}
    return found


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_only_what_is_below_them(package):
    used = {name.split(".")[0] for _, name in arrows(package)}
    assert used <= MAY_USE[package] and "rag" in used


@pytest.mark.parametrize("package", ORDER)
def test_folders_import_only_what_is_below_them(package):
    level = {name: n for n, group in enumerate(ORDER[package]) for name in group}
    inner = {(here, folder_of(name)) for here, name in arrows(package) if name.split(".")[0] == package}
    unknown = {here for here, _ in inner if here not in level} - {"__init__"}
    assert not unknown, "name each new folder in ORDER"
    assert [(a, b) for a, b in sorted(inner) if a != b and level.get(a, 99) <= level[b]] == []


@pytest.mark.parametrize("package", ORDER)
def test_files_of_a_folder_do_not_import_each_other_in_a_circle(package):
    below = {}
    for path in (ROOT / package).rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        below[name] = {module for module in imports(path) if module.split(".")[0] == package} - {name}
    while leaves := [name for name, wanted in below.items() if not wanted & below.keys()]:
        for name in leaves:
            del below[name]
    assert not below, f"a circle among {sorted(below)}"


@pytest.mark.parametrize("package", ORDER)
def test_every_folder_says_what_lives_there(package):
    for folder in (ROOT / package).rglob("__init__.py"):
        said = ast.get_docstring(ast.parse(folder.read_text(encoding="utf-8"))) or ""
        assert 20 < len(said) < 400, folder


def test_no_file_is_called_utils():
    assert [str(path) for package in ORDER for path in (ROOT / package).rglob("*util*.py")] == []
