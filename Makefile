# The only gate: people and CI call these targets and nothing else. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.installed
ACTIONLINT := .local/actionlint

# Targets with a local control plane run it in the version that is passed to make, such as KUBERNETES=1.37.
ifeq ($(origin KUBERNETES),command line)
export LOCAL_KUBERNETES := $(KUBERNETES)
endif

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: packages
packages: ## install the Debian packages that a node and the image need (root, apt-get)
	@dpkg-query --show $(PACKAGES) > /dev/null 2>&1 \
	  || { apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends $(PACKAGES); }

PACKAGES := buildah conntrack containerd containernetworking-plugins debootstrap iproute2 iptables mount openssl runc \
  util-linux

.PHONY: install
install: $(STAMP) ## the Python environment, into .venv (pinned, by hash)

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make install: needs Python 3.11 or newer as $(PYTHON); name another with PYTHON=…" >&2; exit 1; }
	@echo "install: Python packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "make install: '$(PYTHON) -m venv' failed (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(RUN)python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN)python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: programs
programs: install ## build etcd, kube-apiserver, controllers, and kubectl if missing, into .local (minutes, once; KUBERNETES=1.37: another version)
	@$(RUN)python -m local programs

.PHONY: node-programs
node-programs: install ## kubelet, scheduler, kube-proxy, cluster DNS, metrics-server into .local (minutes, once)
	@$(RUN)python -m local node-programs

.PHONY: lint
lint: install $(ACTIONLINT) ## ruff: rules and format; codespell; actionlint and zizmor: the workflows
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	git ls-files -z | xargs -0 $(RUN)codespell
	$(ACTIONLINT) -shellcheck="$$(command -v $(RUN)shellcheck)" -pyflakes=
	$(RUN)zizmor --quiet --offline --no-progress --strict-collection --persona=pedantic .github

# No wheel has it. A program of Go's is fast to build, and go.sum has the hashes of all that is in it.
$(ACTIONLINT): scripts/actionlint/go.mod scripts/actionlint/go.sum
	@command -v go >/dev/null || { echo "make lint: builds actionlint with Go 1.24 or newer, and there is no go in PATH" >&2; exit 1; }
	@echo "lint: building actionlint (seconds, once)"
	@cd scripts/actionlint && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=auto GOWORK=off \
	  go build -trimpath -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint

.PHONY: fmt
fmt: install ## format the code and apply ruff's fixes
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

.PHONY: types
types: install ## mypy, strict
	$(RUN)mypy operator local tests bench scripts

.PHONY: imports
imports: install ## import rules of the layers
	$(RUN)lint-imports

.PHONY: generate
generate: install ## CRD and reference docs, from the code
	$(RUN)python -m scripts.generate

.PHONY: verify
verify: generate ## check that generated files are up to date and nothing is uncommitted
	@test -z "$$(git status --porcelain)" || { git status --short; git --no-pager diff; \
	  echo "make verify: the tree differs from the commit after 'make generate'; commit what is listed above" >&2; exit 1; }

.PHONY: check
check: ## everything that CI runs (.ci/run)
	@.ci/run

.PHONY: test
test: programs ## all tests but the long ones, on real control planes
	$(RUN)python -m pytest $(SIDE_BY_SIDE) -m $(SHORT)

# Two processes, each with a control plane of its own: most tests wait for something.
SIDE_BY_SIDE := --numprocesses=2 --dist=loadscope

.PHONY: coverage
coverage: programs ## check that tests cover each branch of the pure packages
	$(RUN)coverage run -m pytest -m $(SHORT) $(OF_DECISIONS)
	$(RUN)coverage report --fail-under=100 --include='$(PURE)' --omit='$(IMPURE)'

SHORT := "not chart and not clone and not long and not node and not e2e"
# Their lines are counted here and not in `make test`, which would take a sixth longer.
OF_DECISIONS := tests/cli tests/golden tests/rest tests/unit

# The pure rooms, held at 100 % branch coverage by tests of plain values.
ROOMS := operator/runai_nim
PURE := $(ROOMS)/api/*,$(ROOMS)/config/*,$(ROOMS)/controller/limits/*,$(ROOMS)/domain/*,$(ROOMS)/rest/model/*
# What reads files and the environment, and writes the log.
IMPURE := $(ROOMS)/config/bootstrap.py,$(ROOMS)/config/log_format.py

.PHONY: test-long
test-long: programs ## long tests: scenarios with the operator killed, permissions removed one by one (PART=3/10: one part)
	$(RUN)python -m pytest $(SIDE_BY_SIDE) -m long $(if $(PART),--part=$(PART))

.PHONY: test-kubernetes
test-kubernetes: programs ## the tests that depend on the API server, on another version of it (KUBERNETES=1.30, 1.37)
	$(RUN)python -m pytest $(SIDE_BY_SIDE) -m $(SHORT) $(OF_KUBERNETES)

# The main job, CRD and CEL, status, elections.
OF_KUBERNETES := tests/cluster/crd tests/cluster/test_causes.py tests/cluster/test_election.py tests/cluster/test_life.py \
  tests/cluster/test_main_job.py tests/cluster/test_restart.py tests/cluster/test_rollouts.py

.PHONY: test-cluster
test-cluster: programs ## the scenarios on a cluster with chart and NIM Operator (KUBECONFIG=…; STAND_IN=1 starts a stand-in)
	@test "$(origin KUBECONFIG)" != undefined || { echo "make test-cluster: KUBECONFIG=… is missing; pass the kubeconfig of a cluster" >&2; exit 1; }
	TEST_CLUSTER_KUBECONFIG=$(abspath $(KUBECONFIG)) TEST_CLUSTER_STAND_IN=$(STAND_IN) $(RUN)python -m pytest $(SCENARIOS)

# Scenarios that create only RunaiNimServices and their children.
SCENARIOS := tests/cluster/scenarios tests/cluster/test_multi_node.py tests/cluster/test_taking_away.py

# Only a KUBECONFIG that is passed to make is used, not one of the environment.
GIVEN := $(if $(filter command line,$(origin KUBECONFIG)),$(abspath $(KUBECONFIG)))

.PHONY: e2e
e2e: install ## test image and chart on a real node: a local one, kind, or KUBECONFIG=… IMAGES=… (NIM_OPERATOR_CHART=…, KEEP=1)
	@E2E_KUBECONFIG=$(GIVEN) $(RUN)python -m local e2e

.PHONY: e2e-images
e2e-images: install ## the images of make e2e as OCI archives, for a cluster that pulls them from a registry
	@$(RUN)python -m local e2e-images

.PHONY: chart-programs
chart-programs: install ## helm and kubeconform into .local (minutes, once)
	@$(RUN)python -m local chart-programs

.PHONY: chart
chart: programs chart-programs ## the chart: lint, schemas, snapshots, and an installation on a real control plane
	$(RUN)python -m pytest -m chart

.PHONY: faults
faults: programs ## run the fault campaign, into build/faults.json (an hour; ONLY="kill create" selects by name)
	@$(RUN)python -m tests.faults $(ONLY)

.PHONY: test-clone
test-clone: install ## the README's commands in a fresh clone, with empty HOME and caches (long)
	$(RUN)python -m pytest -m clone --capture=no

.PHONY: demo
demo: $(if $(GIVEN),install,programs) ## show three RunaiNimServices live (KEEP=1 keeps them running; KUBECONFIG=… uses your cluster)
	@DEMO_KUBECONFIG=$(GIVEN) $(RUN)python -m local demo$(if $(KEEP),-keep)

.PHONY: bench
bench: programs ## measure speed, memory and CPU against a bare client, into build/bench.json and docs/benchmarks.svg (24 minutes)
	@$(RUN)python -m bench

.PHONY: bench-full
bench-full: programs ## the same up to 20,000 RunaiNimServices and 50,000 REST calls (an hour)
	@$(RUN)python -m bench --full

.PHONY: bench-check
bench-check: install ## compare the last make bench with bench/reference.json (fails if a figure is 20 % worse)
	@$(RUN)python -m bench.compare

.PHONY: local-up
local-up: programs ## start control plane, stand-in and operator in the background
	@$(RUN)python -m local up

.PHONY: local-down
local-down: install ## stop what local-up started
	@$(RUN)python -m local down

.PHONY: node-up
node-up: programs node-programs ## start a real single-node cluster in separate namespaces (root on Linux)
	@$(RUN)python -m local node-up

.PHONY: node-down
node-down: install ## stop the node and remove its files
	@$(RUN)python -m local node-down

.PHONY: image
image: install ## the image as an OCI archive, by buildah or Docker, into build/image (IMAGE_BASE=local makes its base, too)
	@$(RUN)python -m local image

.PHONY: image-check
image-check: install ## build the image, check its content and its start, and check that a second build is identical
	@$(RUN)python -m local image-check

.PHONY: sbom
sbom: install ## SBOM of the image as CycloneDX, into build/sbom.json
	@$(RUN)python -m local sbom

.PHONY: audit
audit: install ## known vulnerabilities of the image's packages (queries the package index)
	$(RUN)uvx --quiet --python $(RUN)python pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.lock

.PHONY: dist
dist: install ## wheel and chart archive of this version, into dist
	@rm -rf dist
	$(RUN)python -m build --wheel --no-isolation --outdir dist .
	"$$($(RUN)python -c 'from local.programs import chart_programs; print(chart_programs())')"/helm \
	  package charts/runai-nim-operator --destination dist

.PHONY: release-check
release-check: install ## check that version, changelog, frozen outputs, tree and tag (TAG=v…) match for a release
	@$(RUN)python -m scripts.release_check $${TAG:+--tag="$$TAG"}

.PHONY: release-notes
release-notes: install ## the changelog's section about this version, into build/release-notes.md
	@mkdir -p build
	@$(RUN)python -m scripts.changelog > build/release-notes.md
	@echo "build/release-notes.md"

.PHONY: clean
clean: ## remove build results and caches, but not .venv and .local
	@rm -rf build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find bench local operator scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: lock
lock: install ## pin the dependencies of pyproject.toml, with hashes
	$(RUN)uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -o requirements-dev.lock
	$(RUN)uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -c requirements-dev.lock -o requirements.lock
	@echo "hatchling" | $(RUN)uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -c requirements-dev.lock -o requirements-build.lock
