# make demo: the example site, ready to log in. make test: everything the tests need, then the tests.
# Both need Python 3.10 or newer and nothing else; they set up .venv by themselves.
# make quick: the tests without a browser and without servers. `make pytest PYTEST_ARGS=...` runs others, or in another way.

PYTHON ?= python3
PORT ?= 8000
PYTEST_ARGS ?=
# Browsers and servers make tests wait: two workers for each core keep it busy.
WORKERS ?= $$(( 2 * $$(getconf _NPROCESSORS_ONLN) ))
# Tests start Python again and again, and pytest rewrites what it imports: neither need do it anew each time.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test quick lint pytest coverage messages compile-messages release clean

demo: $(VENV)/demo
	@$(BIN)/python manage.py migrate --verbosity 0
	@echo
	@echo "People to log in as:"
	@$(BIN)/python manage.py demo_users
	@echo
	@echo "Open  http://localhost:$(PORT)/  and follow the three steps there. Ctrl-C ends the demo."
	@echo
	@$(BIN)/python manage.py runserver --noreload 127.0.0.1:$(PORT)

test: lint pytest

quick: WORKERS = auto
quick: PYTEST_ARGS = -m "not browser and not servers and not asgi and not slow"
quick: pytest

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run

pytest: $(VENV)/dev
	@case "$$DATABASE_URL" in \
		postgres*) $(BIN)/pip install --quiet "psycopg[binary]" ;; \
		mysql*) $(BIN)/pip install --quiet mysqlclient ;; \
	esac
	@case "$$CACHE_URL" in redis*) $(BIN)/pip install --quiet redis ;; esac
	$(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

coverage:
	$(MAKE) pytest PYTEST_ARGS="--cov --cov-report=term:skip-covered"

# Needs GNU gettext. Catalogs: django_toopher/locale and django_toopher/service/locale.
LANGUAGES := $(patsubst %,--locale %,$(notdir $(wildcard django_toopher/locale/*)))
MAKEMESSAGES = ../$(1)$(BIN)/python -m django makemessages $(LANGUAGES) --no-wrap --no-obsolete --add-location file

messages: $(VENV)/dev
	cd django_toopher && $(call MAKEMESSAGES) --ignore "service/*"
	cd django_toopher/service && $(call MAKEMESSAGES,../)

compile-messages: $(VENV)/dev
	cd django_toopher && ../$(BIN)/python -m django compilemessages

# Builds and checks what is published, and tags it; CONTRIBUTING.rst has the steps before.
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' django_toopher/__init__.py)

release: $(VENV)/dev
	@test -z "$$(git status --porcelain)" || { echo "There are changes that are not committed."; exit 1; }
	@grep -Eq '^$(VERSION) \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$$' CHANGELOG.rst || { echo "CHANGELOG.rst has no date for $(VERSION)."; exit 1; }
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv build/fresh
	build/fresh/bin/pip install --quiet "dist/django_toopher-$(VERSION)-py3-none-any.whl[service]"
	cd build && fresh/bin/python -c 'import django_toopher; assert django_toopher.__version__ == "$(VERSION)"'
	git tag --annotate "v$(VERSION)" --message "Version $(VERSION)"
	@echo "Now:  git push origin v$(VERSION)  and  $(BIN)/twine upload dist/*"

$(VENV)/demo: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable ".[service,example]"
	@touch $@

$(VENV)/dev: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@ $(VENV)/demo

# A half-made environment would look finished the next time.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

clean:
	rm -rf $(VENV) .tox build dist *.egg-info
