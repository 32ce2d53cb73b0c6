# ImSafe: `make setup` once, then `make demo` or `make test`.  See CONTRIBUTING.md.

BIN := .venv/bin
SETUP := tools/setup
STAMPS := .venv/.stamps

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-demo lint format test fuzz faults soak demo demo-trials screenshots bench docs completions translations dist deb deb-test clean

help:
	@echo "make setup        install what ImSafe needs, and ImSafe into .venv (the others do it first)"
	@echo "make demo         a web server is recorded, learned, watched and attacked; screenshots"
	@echo "make demo-trials  20 normal runs and 10 attacks against one profile; prints the table"
	@echo "make test         all tests"
	@echo "make fuzz         millions of mutated inputs for each parser; ARGS=\"strace --inputs 1000\""
	@echo "make faults       kills the programs 800 times at random moments, and looks at what is left"
	@echo "make soak         100,000 calls a second for ten minutes, and a storm of a million alerts"
	@echo "make lint         ruff, mypy, import-linter"
	@echo "make format       rewrite the source as ruff formats it"
	@echo "make bench        what tracing costs a program, how late the window gets, detection, speed"
	@echo "make screenshots  every window, light and dark, at 100 and 150 %, from the demo; docs/images"
	@echo "make docs         the manual as HTML, into build/docs"
	@echo "make completions  packaging/completions again, after an option is new"
	@echo "make translations the window's languages again, after a text is new; LANGUAGES=fr begins one"
	@echo "make dist         a wheel and an sdist for pip and pipx, into dist"
	@echo "make deb          a Debian package, into build/deb (on Debian, with what packaging/README.md names)"
	@echo "make deb-test     installs that in a fresh chroot, runs it, removes it (root, debootstrap)"
	@echo "make clean        remove .venv, caches and the demo's output"

setup: $(STAMPS)/venv
setup-test: $(STAMPS)/test
setup-demo: $(STAMPS)/demo
setup-fuzz: $(STAMPS)/fuzz

$(STAMPS)/venv: pyproject.toml $(SETUP)
	@$(SETUP) venv
	@mkdir -p $(@D)
	@touch $@

$(STAMPS)/test $(STAMPS)/demo $(STAMPS)/fuzz: $(STAMPS)/%: $(SETUP) | $(STAMPS)/venv
	@$(SETUP) $*
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Windows of the tests are drawn in memory unless a test wants a real display.
test: export QT_QPA_PLATFORM ?= offscreen
test: setup setup-test setup-demo
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadscope $(ARGS)

fuzz: export QT_QPA_PLATFORM ?= offscreen
fuzz: setup setup-fuzz
	$(BIN)/python -m fuzz $(ARGS)

faults: setup setup-test
	$(BIN)/python -m tests.faults $(ARGS)
	IMSAFE_CROWD=33 $(BIN)/pytest -q tests/faults/test_surroundings.py
	IMSAFE_TIMES=100 $(BIN)/pytest -q --timeout 1200 tests/gui/test_life.py -k many_times

soak: setup setup-test
	$(BIN)/python -m tests.soak $(ARGS)

demo: setup setup-demo
	$(BIN)/python -m demo $(ARGS)

demo-trials: setup setup-demo
	$(BIN)/python -m demo.trials $(ARGS)

screenshots: setup setup-demo
	$(BIN)/python -m demo --no-stay $(ARGS)
	$(BIN)/python -m demo.screenshots

bench: export QT_QPA_PLATFORM ?= offscreen
bench: setup setup-test
	@status=0; for file in bench/*.py; do \
	  echo "== $$file"; $(BIN)/python $$file || status=1; \
	done; exit $$status

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

completions: setup
	$(BIN)/python tools/generate_completions.py

translations: setup
	$(SETUP) translations
	$(BIN)/python tools/translations.py $(LANGUAGES)

dist: setup
	tools/dist

deb:
	tools/deb

deb-test:
	tools/deb-test

clean:
	rm -rf .venv build dist demo-output fuzz-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
