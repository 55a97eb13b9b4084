"""What the documents say is there is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
RULE = re.compile(r"test_r(\d\d)_")

#: Rules of the engine's protocol that nothing exercises yet: signals, restores, parents, budgets, purges, the sealer.
NOT_YET = {2, 9, 17, 23, 35, 36}


def names_of_tests() -> set[str]:
    """Every test function of the project."""
    return {
        node.name
        for path in ROOT.glob("tests/**/test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_rule_that_is_exercised_has_a_test_by_its_number() -> None:
    covered = {int(match[1]) for name in names_of_tests() if (match := RULE.match(name))}
    assert set(range(1, 37)) - covered == NOT_YET


def test_the_page_of_rules_names_the_files_that_test_each() -> None:
    rows = re.findall(r"^\| R(\d+) \| .* \| (.*) \|$", (ROOT / "docs/rules.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 37))
    for number, where in rows:
        found = {
            str(path.relative_to(ROOT))
            for path in ROOT.glob("tests/**/test_*.py")
            if f"def test_r{int(number):02d}_" in path.read_text()
        }
        assert {link.removeprefix("../") for link in LINK.findall(where)} == found, f"R{number}: {sorted(found)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_documents_lead_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text()) if "://" not in target]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_that_documents_name_exist(document: Path) -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", document.read_text()))
    files = {path.stem for path in ROOT.glob("tests/**/test_*.py")}
    assert named - names_of_tests() - files == set()


def test_every_setting_from_the_environment_is_documented() -> None:
    read = {
        name
        for path in ROOT.glob("config/**/*.py")
        for name in re.findall(r'env\.(?:str|bool|int|float|list|db_url)\(\s*"([A-Z_]+)"', path.read_text())
    }
    documented = set(re.findall(r"`([A-Z_]{6,})`", (ROOT / "docs/configuration.md").read_text()))
    assert read <= documented
    assert documented - read <= {"RECOURSE_FAILPOINTS"}, "documented, but nothing reads it"


CODE = re.compile(r"```python\n# (\S+)\n(.*?)```", re.DOTALL)


def test_code_in_the_readme_is_the_code() -> None:
    quoted = CODE.findall((ROOT / "README.md").read_text())
    assert quoted
    for path, code in quoted:
        assert code.strip() in (ROOT / path).read_text(), f"{path} has changed since the README quoted it"


def test_commands_in_the_readme_are_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text())) <= targets
