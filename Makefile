# `make demo` and `make test` do all the set-up on a machine with Python 3.11+, Node 20+, JDK 17+ and terraform 1.7+.
SHELL := /bin/bash
PYTHON ?= python3
DATA ?=
SEED ?=
JSON ?=
PYTEST ?=
WORKERS ?= 2
BENCH ?=

export CHECKPOINT_DISABLE := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# Bytecode is compiled once, at install: without it every start costs seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
STAMPS := .cache/stamps
PY := $(STAMPS)/python
NODE := $(STAMPS)/node
JARS := $(STAMPS)/jars
CHECKOV := $(STAMPS)/checkov

.PHONY: help demo test test-slow test-nightly check unit policy bench setup prerequisites lock goldens docs clean

help: ## What there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: setup ## Deploy three stages, train, promote, score, monitor, retrain: on this machine (DATA=<folder> for real data)
	@$(BIN)/mlops demo $(if $(DATA),--data "$(DATA)") $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json "$(JSON)")

test: setup check unit policy ## What CI runs first: format, lint, types, tests, policy (at most 20 minutes)

check: setup ## Format, lint, types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

unit: setup ## The tests, but for the slow ones
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow and not nightly" $(PYTEST)

policy: setup $(CHECKOV) ## checkov's rules and ours over all stacks (its own environment; suppressions have a date)
	@$(BIN)/python -m infra
	@.venv-checkov/bin/python -m pytest -q policies/tests
	@.venv-checkov/bin/python policies/run.py cdktf.out

test-slow: setup ## What CI runs then: a whole demo, production a second time, featurizations of real data, kills
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "slow and not nightly" $(PYTEST)

bench: setup ## Measure against named opponents, into bench/results.json (BENCH=synth for one of them; some need `make demo`)
	@SPARK_CONNECT_MODE_ENABLED=1 $(BIN)/python -m bench $(BENCH)

test-nightly: setup ## Further demos and kills; every stack; without each grant that a demo needed, its job fails (hours)
	@$(BIN)/python -m pytest -m nightly $(PYTEST)

setup: prerequisites $(PY) $(NODE) $(JARS)

prerequisites:
	@$(PYTHON) cli/prerequisites.py

$(PY): requirements.txt pyproject.toml
	@echo "Set-up 1/3: Python packages into .venv (once; about 2 minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

$(NODE): package-lock.json
	@echo "Set-up 2/3: cdktf-cli into node_modules (once; about 30 seconds)"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p $(STAMPS) && touch $@

$(JARS): $(PY) sandbox/spark/jars.json $(wildcard sandbox/grants/rule/*.java)
	@echo "Set-up 3/3: Delta's jars, the check of grants and a class archive into .cache (once; about a minute)"
	@$(BIN)/python -m sandbox.spark.jars
	@mkdir -p $(STAMPS) && touch $@

$(CHECKOV): policies/requirements.txt
	@echo "checkov into .venv-checkov (once; about a minute)"
	@test -x .venv-checkov/bin/python || $(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r policies/requirements.txt
	@mkdir -p $(STAMPS) && touch $@

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q

# The clusters that no job uses yet come last: where they share a library with the local environment, they have its release.
lock: ## Resolve the lock files again (needs uv)
	$(LOCK) clusters/ml_cpu/requirements.in -o clusters/ml_cpu/requirements.txt
	$(LOCK) -c clusters/ml_cpu/requirements.txt requirements.in -o requirements.txt
	for cluster in bayes etl ml_gpu nlp; do \
	  $(LOCK) -c requirements.txt clusters/$$cluster/requirements.in -o clusters/$$cluster/requirements.txt || exit; done
	$(LOCK) policies/requirements.in -o policies/requirements.txt

goldens: setup ## Write the golden files of the stages again
	@$(BIN)/python -m pytest -q tests/infra --accept

docs: setup ## Make the pages again that are made from the code
	@$(BIN)/python -m report.not_proved
	@$(BIN)/python -m infra.access_page
	@$(BIN)/python -m workflows.handbook

clean: ## Remove the sandbox and what was built; downloads stay
	@rm -rf .sandbox dist cdktf.out
