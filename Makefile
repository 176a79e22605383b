# Every habit of this repository, one verb each. `make help` lists them; each is a line that can be typed by hand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Another folder and another interpreter side by side with the usual ones: make unit VENV=.venv-3.12 PYTHON=python3.12
export VENV ?= .venv
PY := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
ifdef PYTHON
export PYTHON
endif
ifneq ($(VENV),.venv)
# ansible.cfg names .venv's.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
endif
# Ansible starts hundreds of times here: twice as fast where Python may keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE
export PEAR_CACHE ?= $(CURDIR)/.cache
INVENTORY ?= inventories/local
# Side by side: stories mostly wait.
LISTS := "stories setup-test molecule" "lint sanity-quick unit-all plays sandbox-test"
SHORT := $(if $(filter first,$(PEAR_TESTS)),not long)

.PHONY: help
help: ## List the verbs
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install what everything else needs: .venv, podman and its helpers (apt, as root), the collection's link
	@tools/setup.sh sandbox

# What starts no container needs no root and no podman.
.PHONY: setup-python
setup-python: ## Install what lint, unit and artifact need: .venv and the collection's link
	@tools/setup.sh

.PHONY: setup-lint
setup-lint: ## Install what lint needs besides: node and npm, which check the workflows and the policies
	@tools/setup.sh lint

.PHONY: setup-browser
setup-browser: setup ## Install what the test of the sandbox's console needs besides: Chromium and its driver
	@tools/setup.sh sandbox browser

.PHONY: demo
demo: setup ## Source tree to live https traffic: sandbox up, image built, playbooks/deploy.yml run, URL printed
	@tools/demo.sh $(INVENTORY)

.PHONY: sandbox-up
sandbox-up: setup ## Start the sandbox: an AWS on this machine that runs containers and carries traffic
	@$(PY) -m sandbox up

.PHONY: sandbox-down
sandbox-down: ## Stop the sandbox and remove everything it made
	@if [ -x $(PY) ]; then $(PY) -m sandbox down; else python3 -m sandbox down; fi

.PHONY: clean
clean: ## Remove what builds and tests made in this checkout: build, caches; .venv and a running sandbox stay
	@tools/clean.sh

.PHONY: distclean
distclean: sandbox-down clean ## Remove everything that git does not hold: the sandbox, caches, .venv
	@tools/clean.sh environments

.PHONY: test
test: setup ## All unit tests and the first of each other kind: lint, sanity, plays, set-up, sandbox, stories, molecule
	@PEAR_TESTS=first python3 -m tools.run_tests $(LISTS)

.PHONY: test-all
test-all: setup ## All tests, the long ones too
	@python3 -m tools.run_tests $(LISTS)

.PHONY: lint
lint: setup-lint ## ruff, mypy, ansible-lint (production profile), workflows, policies
	@tools/lint.sh

.PHONY: format
format: setup-python ## Let ruff format the Python code
	@ruff format . && ruff check --fix .

.PHONY: unit
unit: setup-python ## Unit tests: decisions, adapters, roles' contracts, the sample app; unit-all takes the long ones too
	@pytest -q -n 2 --dist worksteal -m "not plays and not long" tests/unit examples

.PHONY: unit-all
unit-all: setup-python ## All unit tests
	@pytest -q -n 2 --dist worksteal -m "not plays" tests/unit examples

.PHONY: plays
plays: setup-python ## Playbooks, inventories and the installed artifact on AWS's calls in memory: tags, ways of running a task, AWX, workflows
	@pytest -q -n 2 --dist worksteal -m "plays$(if $(SHORT), and $(SHORT))" tests/unit

.PHONY: setup-test
setup-test: setup ## Set-up interrupted, doubled and refused: for real, in clones of this checkout
	@pytest -q -n 2 --dist loadfile -m "$(SHORT)" tests/setup

.PHONY: sandbox-test
sandbox-test: $(if $(SHORT),setup,setup-browser) ## Fidelity tests of the sandbox: real containers, real traffic
	@pytest -q -n 2 --dist loadfile -m "$(SHORT)" tests/sandbox

.PHONY: stories
stories: setup ## End-to-end stories: playbooks on a sandbox of their own, under load
	@pytest -q -n 3 --dist loadfile --timeout 1800 --durations 15 -m "$(SHORT)" tests/stories

# ansible-rulebook's rule engine runs in Java, which nothing else here needs.
.PHONY: eda
eda: setup ## Event-Driven Ansible on a sandbox: an alarm rolls a bad version back (ten minutes; needs Java 17)
	@tools/eda.sh

.PHONY: costs
costs: setup-python ## Make the tables of docs/costs.md from the prices in docs/costs.yml
	@$(PY) tools/costs.py

.PHONY: interruptions
interruptions: setup ## Provision killed after each task in turn, and completed by the next run (half an hour; `make test` takes a sample)
	@PEAR_INTERRUPTIONS=all pytest -q -x tests/stories/test_environments.py -k killed_again

.PHONY: faults
faults: setup ## Every call with every fault, in the model and on a sandbox (an hour; `make test` takes a sample)
	@PEAR_FAULTS=all pytest -q -n 2 -s tests/unit/rollout
	@PEAR_FAULTS=all pytest -q -s tests/stories/test_faults.py tests/stories/test_deaths.py tests/stories/test_late_writes.py tests/stories/test_damaged_ledger.py

.PHONY: molecule
molecule: setup ## A scenario per role but gameday, which stories run: converge, idempotence, check mode, somebody's change, repair. SCENARIO=network for one
	@tools/molecule.sh $(SCENARIO)

.PHONY: bench
bench: setup ## Every figure of the docs: ratios of interleaved runs on one sandbox, into build/bench.json
	@$(PY) -m bench

# Reads its exit status: each check that fails has to be explained in docs/security.yml.
.PHONY: audit
audit: setup ## The production inventory in a sandbox, judged by the scanner prowler (in an environment of its own)
	@$(PY) tools/audit.py

.PHONY: artifact
artifact: setup-python ## Build the collection artifact into build/
	@mkdir -p build && ansible-galaxy collection build --force --output-path build .

.PHONY: docs
docs: setup-python ## The documentation site into build/site, without a warning (two minutes)
	@tools/docs.sh

.PHONY: release-check
release-check: setup-python sanity docs $(if $(shell command -v java),eda) ## All sanity tests, the documentation site, eda where Java is, and Galaxy's importer on the artifact
	@tools/release_check.sh

.PHONY: release-version
release-version: setup-python ## Whether TAG is the version of galaxy.yml, with its release in the changelog
	@$(PY) tools/release_version.py "$(TAG)"

.PHONY: sanity
sanity: setup-python ## ansible-test sanity (24 tests, validate-modules among them) on what the artifact holds
	@tools/sanity.sh

.PHONY: sanity-quick
sanity-quick: setup-python ## The quick sanity tests, validate-modules and import among them; make test leaves import out
	@tools/sanity.sh --quick

.PHONY: bare-root
bare-root: ## The first five minutes on a Debian that has nothing. SUITE=bookworm or trixie (needs root and mmdebstrap)
	@python3 tools/bare_root.py $(or $(SUITE),trixie)

.PHONY: picture
picture: setup ## Record a good and a bad canary on a sandbox and draw them: docs/images/cutover.svg (five minutes)
	@$(PY) tools/cutover_record.py && $(PY) tools/cutover_picture.py

.PHONY: console-picture
console-picture: setup-browser ## Photograph the sandbox's console in the middle of a canary: docs/images/console.png (five minutes)
	@$(PY) tools/console_picture.py

.PHONY: chaos-table
chaos-table: setup ## Release every kind of bad version under load: the table of docs/how-a-release-decides.md (15 minutes)
	@$(PY) tools/chaos_table.py

.PHONY: gameday
gameday: setup ## Run every experiment of a game day under load: the table of docs/operations.md (an hour). EXPERIMENT=cpu-pressure for one
	@$(PY) tools/gameday_table.py $(EXPERIMENT)

.PHONY: session
session: setup ## Record docs/session.md on a sandbox (five minutes)
	@$(PY) tools/session_record.py

.PHONY: idle-cost
idle-cost: setup ## What 40 idle tasks with health checks cost, in shares of one core (root, Linux)
	@$(PY) tools/idle_cost.py
