"""What holds for the project as a whole: migrations, documents, what is installed, promises that have a test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict, is_dataclass
from importlib import import_module

import pytest
from django.core.management import call_command
from django.test import override_settings
from docutils.core import publish_doctree

from django_toopher.conf import Conf, conf
from django_toopher.service.conf import Conf as ServiceConf
from django_toopher.service.conf import Limits
from django_toopher.service.conf import conf as service_conf

from .languages import APPS, LANGUAGES, PACKAGE

ROOT = PACKAGE.parent
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.rst"))
TEMPLATES = [*PACKAGE.rglob("templates/**/*.html"), *ROOT.glob("example_project/templates/**/*.html")]
KINDS = ("html", "txt", "css", "js", "svg", "png", "po", "mo")
ASSETS = [path for kind in KINDS for path in PACKAGE.rglob(f"*.{kind}")]


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration():
    with override_settings(DEFAULT_AUTO_FIELD="django.db.models.AutoField"):  # the apps say theirs themselves
        call_command("makemigrations", "django_toopher", "toopher_service", check=True, dry_run=True, verbosity=0)


# Documents


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_can_be_rendered(name):
    strictly = {"halt_level": 2, "report_level": 5, "syntax_highlight": "none", "_disable_config": True}
    publish_doctree((ROOT / name).read_text(), source_path=name, settings_overrides=strictly)


def table_of(prefix: str) -> dict[str, str]:
    """The README's settings that begin with ``prefix``, and their defaults as they are written there."""
    cells = re.compile(r"^``(TOOPHER_\w+)``\s+``(.*?)``\s", re.MULTILINE)
    rows = dict(cells.findall((ROOT / "README.rst").read_text()))
    is_service = prefix == "TOOPHER_SERVICE_"
    return {name: default for name, default in rows.items() if name.startswith("TOOPHER_SERVICE_") == is_service}


def settings_of(kind: type, prefix: str) -> list[str]:
    """In the order in which they are written; those of both apps are the last."""
    names = [name for each in kind.__mro__ for name, value in vars(each).items() if isinstance(value, property)]
    return [name for name in names if name.startswith(prefix)]


@pytest.mark.parametrize(
    ("prefix", "kind", "read"),
    [("TOOPHER_", Conf, conf), ("TOOPHER_SERVICE_", ServiceConf, service_conf)],
    ids=["app", "service"],
)
def test_the_table_of_settings_says_what_the_code_does(prefix, kind, read):
    documented = table_of(prefix)
    assert list(documented) == settings_of(kind, prefix)
    for name, default in documented.items():
        value = getattr(read, name)
        if is_dataclass(value):
            value = {}  # beside the defaults
        assert default.replace('"', "'") == repr(int(value) if isinstance(value, float) else value), name


def test_the_table_of_limits_says_what_the_code_does():
    (_before, after) = (ROOT / "README.rst").read_text().split("\nThe limits:\n")
    (table,) = re.findall(r"\A\n=.*?\n=.*?\n(.*?)\n=", after, re.DOTALL)
    documented = re.findall(r"^``(\w+)`` +``(\d+)`` ", table, re.MULTILINE)
    assert documented == [(name, str(default)) for name, default in asdict(Limits()).items()]


def test_the_readme_names_nothing_that_does_not_exist():
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))  # which name loggers
    for dotted in set(re.findall(r"``(django_toopher(?:\.\w+)+)\(?", (ROOT / "README.rst").read_text())):
        *modules, last = dotted.split(".")
        folder = ROOT.joinpath(*modules)
        candidates = [folder / last, folder / f"{last}.py", folder.with_suffix(".py")]
        is_module = any(candidate.exists() for candidate in candidates)
        assert is_module or hasattr(import_module(".".join(modules)), last) or f'"{dotted}"' in sources, dotted


def test_the_house_that_is_described_is_the_one_that_stands():
    design = (ROOT / "docs/DESIGN.md").read_text()
    told = {name.rstrip("/") for name in re.findall(r"`([a-z_]+/?)`", design)}
    for folder in (PACKAGE, PACKAGE / "service"):
        built = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert not built - told - {"__init__", "migrations", "service"}
    places = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|js|html))?)`", design)
    anywhere = [
        f"{path.as_posix()}/" if path.is_dir() else path.as_posix() for path in (*PACKAGE.rglob("*"), ROOT / "tests")
    ]
    assert places
    for place in places:
        assert any(path.endswith(f"/{place}") for path in anywhere) or (ROOT / place).exists(), place


# What is installed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> dict[str, str]:
    """The files in a wheel, with what its metadata say, that was built from a copy of the sources."""
    copy, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(PACKAGE, copy / "django_toopher", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "MANIFEST.in", "README.rst", "CHANGELOG.rst", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(built), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode and re.search("Could not find a version|No matching distribution|ConnectionError", done.stderr):
        pytest.skip("setuptools, which builds the wheel, can't be fetched from here")
    assert done.returncode == 0, done.stderr
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        metadata = {name for name in archive.namelist() if ".dist-info/" in name}
        return {name: archive.read(name).decode() if name in metadata else "" for name in archive.namelist()}


@pytest.mark.slow
def test_a_wheel_has_every_module_template_and_static_file(wheel):
    modules = [path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts]
    wanted = {str(path.relative_to(ROOT)) for path in [*modules, *ASSETS, PACKAGE / "py.typed"]}
    assert {"django_toopher/templates/django_toopher/login.html", "django_toopher/migrations/0001_initial.py"} <= wanted
    assert not wanted - wheel.keys()
    catalogs = [app / "locale" / language / "LC_MESSAGES/django.mo" for app in APPS.values() for language in LANGUAGES]
    assert {str(path.relative_to(ROOT)) for path in catalogs} <= wanted


@pytest.mark.slow
def test_a_wheel_tells_pytest_of_its_fixtures(wheel):
    (name,) = [name for name in wheel if name.endswith("entry_points.txt")]
    assert "django_toopher = django_toopher.pytest_plugin" in wheel[name]


@pytest.mark.slow
def test_a_wheel_has_nothing_else(wheel):
    strangers = {name for name in wheel if not name.startswith("django_toopher")}
    assert not strangers
    assert not {name for name in wheel if name.endswith((".pyc", ".sqlite3", ".env", ".key"))}


# Pages

INLINE = {
    "script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "address": re.compile(r"""["']\s*javascript:""", re.IGNORECASE),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_no_inline_script_or_style(path):
    found = [kind for kind, pattern in INLINE.items() if pattern.search(path.read_text())]
    assert not found


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("script", "<script type='module'>alert(1)</script>"),
        ("style element", "<STYLE>"),
        ("style attribute", '<p style="color: red">'),
        ("event attribute", '<p onclick="x()">'),
        ("address", '<a href="javascript:x()">'),
    ],
)
def test_what_is_looked_for_in_templates_is_found(kind, page):
    assert [each for each, pattern in INLINE.items() if pattern.search(page)] == [kind]


# SECURITY.md


def promised(document: str) -> list[str]:
    """The numbers of the promises that ``docs/SECURITY.md`` makes, in its order."""
    return re.findall(r"^- \*\*(S\d\d)\b", document, re.MULTILINE)


def proved(sources: str) -> set[str]:
    """The numbers in the names of tests: ``def test_S03_S04_…`` proves two promises."""
    named = re.findall(r"^(?:async )?def test_((?:S\d\d_)+)", sources, re.MULTILINE)
    return {number for numbers in named for number in numbers.split("_") if number}


def test_every_promise_has_a_test_that_is_named_after_it_and_no_test_another_number():
    document = (ROOT / "docs" / "SECURITY.md").read_text()
    promises = promised(document)
    assert len(promises) == len(set(promises)) == document.count("\n- **S") > 0
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert proved(sources) == set(promises)


def test_what_is_looked_for_in_promises_and_tests_is_found():
    assert promised("- **S01** One.\n- **S37 Two.** More.\nS03 is no promise.") == ["S01", "S37"]
    assert proved("def test_S01_S02_x():\nasync def test_S37_y():\ndef test_about_S05():\n    def test_S06_z():") == {
        "S01",
        "S02",
        "S37",
    }
