# From a fresh clone, `make reproduce` and `make test` each do all that they need. `make` alone lists
# the targets: what follows `##` on a target's line is its description.
PROFILE ?= quick
SYSTEM_PYTHON ?= $(shell command -v python3.11 || command -v python3)
PYTHON = .venv/bin/python
INSTALLED = .venv/installed

.DEFAULT_GOAL = help
.PHONY: help setup reproduce run search report show tensorboard test torch browser bench pictures verify faults audit check lock

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(INSTALLED) ## install Python packages into .venv

# Makes the environment $(1) from the requirements $(2), with pip's options $(3). Only what this file made is ever cleared:
# not a link, and not an environment that somebody else made.
define make_environment
	@if [ -L $(1) ] || { [ -e $(1) ] && [ ! -e $(1)/made-by-make ]; }; then \
		echo "error: $(1) is a symbolic link or has no file made-by-make, so it is left as it is; move it away" \
			"(mv $(1) $(1)-mine) and run make again, or, if it has the packages of $(2), touch $(1)/installed" >&2; \
		exit 2; fi
	@$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: Python 3.11 is needed; name it with SYSTEM_PYTHON=/path/to/python3.11" >&2; exit 2; }
	@mkdir -p $(1) && touch $(1)/made-by-make
	@find $(1) -mindepth 1 ! -path $(1)/made-by-make -delete
	$(SYSTEM_PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile $(3) -r $(2)
	@# What pip does on one core; a package may hold files that are no Python of this version.
	@$(1)/bin/python -m compileall -qq -j 0 $(1)/lib || true
	@touch $(1)/installed
endef

$(INSTALLED): requirements.txt
	$(call make_environment,.venv,requirements.txt,--require-hashes)

# The report is made even if the data of some experiments could not be had; not after Ctrl-C.
reproduce: setup ## run what is missing of the tour, then report (PROFILE=quick)
	@$(PYTHON) -m reproduce run all --profile $(PROFILE) $(ARGS); status=$$?; \
		[ $$status -gt 2 ] || $(PYTHON) -m reproduce report --profile $(PROFILE) || status=$$?; exit $$status

run: setup ## the same without the report (ARGS="--minutes 10")
	@$(PYTHON) -m reproduce run all --profile $(PROFILE) $(ARGS)

search: setup ## look for better settings with keras-tuner (NAME=dropout_rate)
	@$(PYTHON) -m reproduce search $(or $(NAME),dropout_rate) --profile $(PROFILE) $(ARGS)
	@$(PYTHON) -m reproduce report --profile $(PROFILE)

report: setup ## redraw tables, figures, the report page and the block in README
	@$(PYTHON) -m reproduce report

# The page of the committed rows, or of the PROFILE that is given. The path is enough where there is
# no browser.
ASKED = $(filter-out $(if $(filter file,$(origin PROFILE)),$(PROFILE)) cpu tenth paper,$(PROFILE))
show: PAGE = $(CURDIR)/results/$(addsuffix /,$(ASKED))report.html
show: setup ## open the report page in a browser (PROFILE=quick)
	@[ -e "$(PAGE)" ] || { echo "error: there is no $(PAGE); the profiles are smoke, quick, cpu, tenth," \
		"paper, and smoke and quick have a page once make reproduce PROFILE=... has run" >&2; exit 2; }
	@echo "$(PAGE)"
	@$(PYTHON) -c "import pathlib, sys, webbrowser; webbrowser.open(pathlib.Path(sys.argv[1]).as_uri())" "$(PAGE)"

tensorboard: setup ## show the curves of all runs, of PROFILE=cpu, or of NAME=table9 in it
	@$(PYTHON) -m reproduce.tensorboard $(NAME) $(if $(filter file,$(origin PROFILE)),,--profile $(PROFILE))

test: setup ## run the tests, the layers on TensorFlow and on JAX
	$(PYTHON) -m pytest -n 2
	$(ON_JAX) $(PYTHON) -m pytest -n 2 tests/layers

# Compiling takes longest: the two processes share their programs, with each other and with the next
# time.
ON_JAX = KERAS_BACKEND=jax XLA_FLAGS=--xla_backend_optimization_level=0 \
	JAX_COMPILATION_CACHE_DIR=.venv/compiled-by-jax \
	JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

# PyTorch has an environment of its own, without TensorFlow and JAX.
torch: .venv-torch/installed ## run the layers' tests on PyTorch
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 .venv-torch/bin/python -m pytest -n 2 tests/layers

.venv-torch/installed: requirements-torch.txt
	$(call make_environment,.venv-torch,requirements-torch.txt)

# The report page and TensorBoard's, looked at in headless Chromium, which is the machine's own. npm
# fetches axe-core, which checks the report page for accessibility.
browser: setup ## test the report page and TensorBoard's in headless Chromium
	$(PYTHON) -m pip install --quiet --disable-pip-version-check playwright==1.65.2
	REPRODUCE_BROWSER=1 $(PYTHON) -m pytest tests/browser

# The peers have an environment of their own, 4 GB. Leave the machine alone meanwhile.
bench: setup .peers/installed ## time this project beside its peers (45 minutes)
	@$(PYTHON) -m benchmarks --peers .peers/bin/python $(ARGS)
	@$(PYTHON) -m reproduce report

.peers/installed: benchmarks/requirements.txt
	$(call make_environment,.peers,benchmarks/requirements.txt)

# Redraws layers/masks.svg.
pictures: setup ## redraw layers/masks.svg
	$(PYTHON) -m reproduce.masks_picture

verify: setup ## check that rows state where they come from, and that the report follows from them
	@$(PYTHON) -m reproduce verify $(ARGS)

faults: setup ## break runs in every way we know, and count what survives (15 minutes)
	@$(PYTHON) -m tests.faults $(ARGS)

audit: setup ## look up known vulnerabilities of the locked packages (needs a network)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(PYTHON) -m pip_audit --require-hashes --disable-pip -r requirements.txt

check: setup ## linter, format, types, order of imports, results
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	@$(PYTHON) -m reproduce verify

# Resolves requirements.in anew; commit the outcome.
lock: setup ## resolve requirements.in into requirements.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	.venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --annotation-style line \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt
