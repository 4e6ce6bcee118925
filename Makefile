# The default stack is dev, or the first Pulumi.*.yaml.
STACK :=
PYTHON := .venv/bin/python
# uv with pip's index, proxy and certificate.
UV := $(PYTHON) components/packaging/pip_settings.py .venv/bin/uv
# The version in Lambda; the workflows, the bundle and the tests read the same file.
LAMBDA_PYTHON = $(shell cat function/.python-version)
OUTPUTS := .local/outputs.json
READY := .venv/.ready
SCANNERS := .venv-scan/.ready
BROWSER := .venv-browser/.ready
SOURCES := __main__.py customize.py infrastructure.py bootstrap components console emulator function local openapi testing tests tools
# `make lint` runs each of these as lint-<name>.
LINTS := style types imports dead-code workflows text

# Without bytecode, each process would compile pulumi_aws, botocore and MiniStack again. The other
# variables lead to modules outside the locks, or turn warnings into errors.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONWARNINGS

# File names are UTF-8 in every locale.
export PYTHONUTF8 := 1

# uv's cache, if the home directory is read-only.
ifndef UV_CACHE_DIR
ifneq ($(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}/uv" && mkdir -p "$$cache" 2>/dev/null && test -w "$$cache" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.build/uv
endif
endif

.PHONY: $(LINTS:%=lint-%) $(shell sed -n 's/:.*## .*//p' $(MAKEFILE_LIST))

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-26s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Start the stack locally, send a request, show its effects, stop
	@$(PYTHON) -m local --stack "$(STACK)"

local: $(READY) ## Run the stack with its console until Ctrl-C; PERSIST=1 keeps data, DEBUG=1 debugs
	@exec $(PYTHON) -m console --stack "$(STACK)" $(if $(PERSIST),--persist) \
	  $(if $(DEBUG),--debug $(patsubst 1,5678,$(DEBUG)))

token: $(READY) ## Print a token for the stack of `make local`; ARGS="--help" lists the options
	@$(PYTHON) -m local.issuer $(ARGS)

# One process starts faster than two, so a named path gets one.
ifdef T
test: $(READY) $(if $(filter-out tests/unit%,$(T)),$(SCANNERS))
	@$(PYTHON) -m pytest $(T) $(ARGS)
else
test: $(READY) ## Run the fast tests, or those of T=path; ARGS=... go to pytest
	@$(PARALLEL_TESTS) -m "not process or smoke" tests/unit $(wildcard tests/service) \
	  tests/e2e $(ARGS)
	@echo "Not run: tests that start a process, and tests/integration; make test-all runs the former."
endif

test-all: $(READY) $(SCANNERS) ## Run all tests except tests/integration
	@$(PARALLEL_TESTS) --ignore=tests/integration $(ARGS)

# Some tests wait for a socket or a process, so two cores take a third one.
WORKERS = 3

# conftest.py orders the modules: the slowest first.
PARALLEL_TESTS = $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

coverage: $(READY) $(SCANNERS) ## Run all tests except tests/integration; require 95 % of branches
	@rm -rf .build/coverage && mkdir -p .build/coverage
	@PYTHONPATH=$(CURDIR)/tests/coverage $(PARALLEL_TESTS) --ignore=tests/integration $(ARGS)
	@$(PYTHON) -m coverage combine --quiet && $(PYTHON) -m coverage report

test-clients: $(READY) ## Test the clients that generators make of the API document
	@$(PYTHON) -m pytest -q tests/integration/clients

test-pulumi: $(READY) ## Test with the real Pulumi engine; Go builds a missing CLI once
	@$(PYTHON) -m tools.checks.pulumi_cli

test-terraform: $(READY) ## Test with the real AWS provider under Terraform
	@$(PYTHON) -m tools.checks.terraform_provider

test-reliability: $(READY) ## Run load, faults and mutations for four minutes; write docs/proof.md
	@$(PYTHON) -m tools.reliability

# pytest exits with 5 if it skips the whole module, for example without a browser.
test-browser: $(BROWSER) ## Test the console in Debian's chromium
	@PYTHONPATH=$$(echo .venv/lib/*/site-packages) \
	  .venv-browser/bin/python -m pytest -q -rs tests/integration/browser $(ARGS) || test $$? = 5

# In parallel, with the output of each in one piece, and all of them even after a failure; within
# another parallel make, with its jobs.
lint: $(READY) ## Check style, types, imports, workflows and spelling
	@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,--jobs 3) --keep-going \
	  --output-sync=target $(LINTS:%=lint-%)

lint-style:
	$(PYTHON) -m ruff check --quiet $(SOURCES)
	$(PYTHON) -m ruff format --quiet --diff $(SOURCES)

lint-types:
	$(PYTHON) -m mypy $(TYPED)

lint-imports:
	@kept=$$(.venv/bin/lint-imports --no-cache) || { echo "$$kept"; exit 1; }

# Fields of types look like unused variables; ruff finds those of functions.
lint-dead-code:
	@! .venv/bin/vulture | grep -v "unused variable"

lint-workflows:
	.venv/bin/zizmor --offline --quiet --pedantic .github .pre-commit-config.yaml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

lint-text:
	.venv/bin/shellcheck .ci/run
	.venv/bin/codespell *.md docs .github

format: $(READY) ## Format the Python sources
	$(PYTHON) -m ruff check --quiet --select I --fix $(SOURCES)
	$(PYTHON) -m ruff format $(SOURCES)

# An unreachable vulnerability database is a note; EPOCH_AUDIT=required makes it an error.
scan: $(READY) $(SCANNERS) ## Scan resources, secrets in the tree, vulnerabilities in the locks
	@$(PYTHON) -m tools.checks.scan

smoke: $(READY) ## Test a deployed stack as a client; OUTPUTS=file
	@$(PYTHON) -m tools.release.smoke "$(OUTPUTS)"

live-versions: $(READY) ## Print the versions that serve now, for a later rollback; OUTPUTS=file
	@$(PYTHON) -m tools.release.rollback show "$(OUTPUTS)"

rollback: $(READY) ## Move the aliases back to former versions; OUTPUTS=file VERSION=...
	@$(PYTHON) -m tools.release.rollback to "$(OUTPUTS)" "$(VERSION)"

# BEFORE: the outputs before the deployment; VERSION: the output of `make live-versions` before it.
verify-deploy: $(READY) ## Smoke-test a deployment, roll back if it fails; OUTPUTS= BEFORE= VERSION=
	@$(PYTHON) -m tools.release.verify "$(OUTPUTS)" "$(BEFORE)" "$(VERSION)"

prune-versions: $(READY) ## Delete versions and rights that no rollback needs; OUTPUTS=file KEEP=3
	@$(PYTHON) -m tools.release.prune_versions "$(OUTPUTS)" "$(KEEP)"

drift: $(READY) ## Compare AWS with the deployed commit; STACK=name
	@$(PYTHON) -m tools.release.drift "$(STACK)"

# Environments without review: BOUNDARY is bootstrap's pull_request_permissions_boundary.
pull-request-up: $(READY) ## Bring up the stack of a pull request for a week; PR=number BOUNDARY=arn
	@$(PYTHON) -m tools.release.pull_request_stack up "$(PR)" "$(BOUNDARY)"

pull-request-down: $(READY) ## Remove the stack of a pull request; PR=number
	@$(PYTHON) -m tools.release.pull_request_stack down "$(PR)"

openapi: $(READY) ## Print the OpenAPI document
	@$(PYTHON) -m openapi

bench: $(READY) ## Measure function, local run and commands for eight minutes; write docs/bench.md
	@$(PYTHON) -m tools.bench

snapshot: $(READY) ## Write tests/snapshots/ and the generated parts of docs/
	@$(PYTHON) -m tools.checks.snapshot

diagram: $(READY) ## Draw docs/architecture.svg
	@$(PYTHON) -m tools.docs.diagram

# Dependabot reads the commands in the locks' headers.
COMPILE = $(UV) pip compile -q $(UPGRADE) --no-annotate --generate-hashes
HERE := --universal --python-version 3.11
LAMBDA = --python-version $(LAMBDA_PYTHON) --python-platform aarch64-manylinux_2_34 --only-binary :all:

lock: $(READY) ## Write the hashed locks of the .in files; UPGRADE=--upgrade takes newer versions
	$(COMPILE) $(HERE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) $(HERE) -c requirements-dev.txt requirements.in -o requirements.txt
	$(COMPILE) $(LAMBDA) function/requirements.in -o function/requirements.txt
	$(COMPILE) $(LAMBDA) -c function/requirements.txt function/authorizers/requirements.in \
	  -o function/authorizers/requirements.txt
	$(COMPILE) $(HERE) requirements-scan.in -o requirements-scan.txt
	$(COMPILE) $(HERE) tests/integration/clients/requirements.in -o tests/integration/clients/requirements.txt
	@if command -v npm > /dev/null; then cd tests/integration/clients && \
	  npm install --package-lock-only --omit-lockfile-registry-resolved; \
	else echo "npm is missing: package-lock.json of tests/integration/clients stays as it is"; fi
	$(COMPILE) $(HERE) -c requirements-dev.txt tests/integration/browser/requirements.in \
	  -o tests/integration/browser/requirements.txt
	$(COMPILE) --universal --python-version $(LAMBDA_PYTHON) -c function/requirements.txt \
	  tools/bench/requirements.in -o tools/bench/requirements.txt

merge-epoch: ## Merge a newer Epoch into your project; VERSION=tag, by default the newest
	@python3 tools/merge_epoch.py "$(VERSION)"

clean: ## Remove environments, caches and outputs
	rm -rf .venv .venv-* .venv*.lock .build .local .bench

# tools/make_venv.py makes each one completely or again, one run at a time.
$(READY): requirements-dev.txt
	@python3 tools/make_venv.py .venv $<
# The driver of .gitattributes. Git reads it from no file of the repository.
	@git config merge.generated.driver true 2> /dev/null || true

# Their hundred packages stay apart from the project's.
$(SCANNERS): requirements-scan.txt
$(BROWSER): tests/integration/browser/requirements.txt
$(SCANNERS) $(BROWSER): | $(READY)
	@$(PYTHON) tools/make_venv.py $(@D) $<
