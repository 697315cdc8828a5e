import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("rag", "finetune", "eval")


def imported(package: str) -> set[tuple[str, str]]:
    """-> (file, top-level package that it imports), wherever in the file the import stands."""
    found = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [package if node.level else node.module]
            found |= {(f"{package}/{path.name}", name.split(".")[0]) for name in names}
    return found


def test_rag_imports_neither_finetune_nor_eval():
    assert [pair for pair in imported("rag") if pair[1] in ("finetune", "eval")] == []


def test_finetune_and_eval_import_rag_and_never_each_other():
    for package, other in (("finetune", "eval"), ("eval", "finetune")):
        names = imported(package)
        assert "rag" in {name for _, name in names}
        assert [pair for pair in names if pair[1] == other] == []


def test_no_file_is_called_utils():
    assert [str(path) for package in PACKAGES for path in (ROOT / package).rglob("*util*.py")] == []
