# From a bare clone, `make reproduce` and `make test` each do all that they need.
PROFILE ?= quick
SYSTEM_PYTHON ?= $(shell command -v python3.11 || command -v python3)
PYTHON = .venv/bin/python
INSTALLED = .venv/installed

.PHONY: setup reproduce run search report tensorboard test browser bench pictures check lock

setup: $(INSTALLED)

$(INSTALLED): requirements.txt
	@$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: Python 3.11 is needed; name it with SYSTEM_PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(SYSTEM_PYTHON) -m venv --clear .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(INSTALLED)

reproduce: run
	@$(PYTHON) -m reproduce report --profile $(PROFILE)

run: setup
	@$(PYTHON) -m reproduce run all --profile $(PROFILE) $(ARGS)

search: setup
	@$(PYTHON) -m reproduce search $(or $(NAME),dropout_rate) --profile $(PROFILE) $(ARGS)
	@$(PYTHON) -m reproduce report --profile $(PROFILE)

report: setup
	@$(PYTHON) -m reproduce report

tensorboard: setup
	@echo "Open the address below. Time Series shows error and loss, Images features, masks and"
	@echo "misclassified digits, Histograms weights and activations, HParams all runs side by side."
	@echo "Of many runs TensorBoard shows none at first: tick some at the left."
	@$(PYTHON) -m tensorboard.main --logdir logs --host 127.0.0.1

test: setup
	$(PYTHON) -m pytest -n 2
	KERAS_BACKEND=jax $(PYTHON) -m pytest -n 2 tests/layers

# TensorBoard's pages, looked at in headless Chromium, which is the machine's own.
browser: setup
	$(PYTHON) -m pip install --quiet --disable-pip-version-check playwright==1.65.2
	REPRODUCE_BROWSER=1 $(PYTHON) -m pytest tests/browser

# The peers have an environment of their own, 4 GB. About 20 minutes; leave the machine alone meanwhile.
bench: setup .peers/installed
	@$(PYTHON) -m benchmarks --peers .peers/bin/python $(ARGS)
	@$(PYTHON) -m reproduce report

.peers/installed: benchmarks/requirements.txt
	$(SYSTEM_PYTHON) -m venv --clear .peers
	.peers/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch .peers/installed

# Redraws layers/masks.svg.
pictures: setup
	$(PYTHON) -m reproduce.pictures

check: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

# Resolves requirements.in anew; commit the outcome.
lock: setup
	$(PYTHON) -m pip install --quiet uv
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --annotation-style line \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt
