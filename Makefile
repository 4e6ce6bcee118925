# dev where there is one, else the first Pulumi.*.yaml there is.
STACK :=
PYTHON := .venv/bin/python
# The version in Lambda; the workflows, the bundle and the tests read the same file.
LAMBDA_PYTHON = $(shell cat function/.python-version)
OUTPUTS := .local/outputs.json
READY := .venv/.ready
SCANNERS := .venv-scan/.ready
LOADER := .venv-prove/.ready
BROWSER := .venv-browser/.ready
SOURCES := __main__.py customize.py bootstrap components console emulator function local openapi tests tools
# What `make lint` runs, each as lint-<name>.
LINTS := style pylint types imports dead-code workflows schemas shell spelling

# Without bytecode every process would compile pulumi_aws, botocore and MiniStack anew; the others
# lead to modules that are not the locks', or end what is only deprecated.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONWARNINGS

# Names of files are UTF-8, in whatever locale.
export PYTHONUTF8 := 1

# Where the home cannot be written, uv's cache is here.
ifndef UV_CACHE_DIR
ifneq ($(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}/uv" && mkdir -p "$$cache" 2>/dev/null && test -w "$$cache" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.build/uv
endif
endif

.PHONY: bench demo local test test-browser screenshots engine provider lint $(LINTS:%=lint-%) prove scan smoke serving settle \
  rollback order rules prune drift stages notes format \
  openapi snapshot diagram lock upgrade clean

demo: $(READY)
	@$(PYTHON) -m local --stack "$(STACK)"

local: $(READY)
	@exec $(PYTHON) -m console --stack "$(STACK)" $(if $(KEEP),--keep)

# In the order of names: else the modules with the fewest tests come last, and the longest has one.
test: $(READY) $(SCANNERS) $(LOADER)
	$(PYTHON) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# Under Pulumi's own engine; without a CLI, Go builds it once, in some minutes.
engine: $(READY)
	@$(PYTHON) -m tools.checks.pulumi_cli

# By the real AWS provider, under Terraform, to the emulator.
provider: $(READY)
	@$(PYTHON) -m tools.checks.terraform_provider

# The console in Debian's chromium; skipped with the reason where that is not installed.
test-browser screenshots: $(BROWSER)
	@$(if $(filter screenshots,$@),EPOCH_SCREENSHOTS=docs) PYTHONPATH=$$(echo .venv/lib/*/site-packages) \
	  .venv-browser/bin/python -m pytest -q -rs tests/browser $(if $(filter screenshots,$@),-k pictures)

# Side by side, each one's output in one piece, and all of them even where one fails.
lint: $(READY)
	@$(MAKE) --no-print-directory --jobs 3 --keep-going --output-sync=target $(LINTS:%=lint-%)

lint-style:
	$(PYTHON) -m black --quiet --check --diff $(SOURCES)

lint-pylint:
	$(PYTHON) -m pylint --score n -j 2 $(SOURCES)

lint-types:
	$(PYTHON) -m mypy

lint-imports:
	@kept=$$(.venv/bin/lint-imports --no-cache) || { echo "$$kept"; exit 1; }

# The fields of types look like unused variables; those of functions are pylint's to find.
lint-dead-code:
	@! .venv/bin/vulture | grep -v "unused variable"

lint-workflows:
	.venv/bin/zizmor --offline --quiet --pedantic .github .pre-commit-config.yaml

lint-schemas:
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

lint-shell:
	.venv/bin/shellcheck .ci/run

lint-spelling:
	.venv/bin/codespell *.md docs .github

# Against a deployed stack: pulumi stack output --json --show-secrets > FILE; make smoke OUTPUTS=FILE
smoke: $(READY)
	@$(PYTHON) -m tools.release.smoke "$(OUTPUTS)"

# The versions that serve now, to give to a rollback later.
serving: $(READY)
	@$(PYTHON) -m tools.release.rollback "$(OUTPUTS)" --show

rollback: $(READY)
	@$(PYTHON) -m tools.release.rollback "$(OUTPUTS)" --to "$(VERSION)"

# After a deployment, however it ended: what serves passes the smoke test, or what served before
# serves again. BEFORE: the outputs before it; VERSION: what `make serving` said then.
settle: $(READY)
	@$(PYTHON) -m tools.release.verify "$(OUTPUTS)" "$(BEFORE)" --to "$(VERSION)"

# No commit goes over a newer one: pulumi stack history --json > HISTORY; make order COMMIT=...
order: $(READY)
	@$(PYTHON) -m tools.release.commit_order "$(HISTORY)" "$(COMMIT)"

# Whether main and an environment have the rules that deploying rests on, by GitHub's own answers.
rules: $(READY)
	@$(PYTHON) -m tools.release.branch_protection "$(BRANCH)" "$(ENVIRONMENT)"

# The functions' versions that no rollback needs; each is billed with SnapStart.
prune: $(READY)
	@$(PYTHON) -m tools.release.prune_versions "$(OUTPUTS)"

# AWS against the commit that is deployed.
drift: $(READY)
	@$(PYTHON) -m tools.release.drift "$(STACK)"

# The stages, as a workflow's outputs.
stages: $(READY)
	@$(PYTHON) -m tools.release.stages

# The commits that a tag releases: those since the tag before.
notes: $(READY)
	@$(PYTHON) -m tools.release.release_notes "$(TAG)"

format: $(READY)
	$(PYTHON) -m black $(SOURCES)

# The declared resources, secrets in the tree, vulnerabilities in the locks. Where the database of
# the last cannot be reached, that part is left out; EPOCH_AUDIT=required makes it an error.
scan: $(READY) $(SCANNERS)
	@$(PYTHON) -m tools.checks.scan

# Prints the OpenAPI document of the API.
openapi: $(READY)
	@$(PYTHON) -m openapi

# What this function costs, side by side with what people would use instead, then what program and
# local run cost: some five minutes.
bench: $(READY)
	@$(PYTHON) -m tools.bench

# Load, faults, bad input, access, secrets and mutations, in ten minutes; writes docs/proof.md.
prove: $(READY) $(LOADER)
	@$(PYTHON) -m tools.reliability

# Writes tests/snapshots/ and docs/openapi.json anew.
snapshot: $(READY)
	@$(PYTHON) -m tools.checks.snapshot

# Draws docs/architecture.svg anew.
diagram: $(READY)
	@$(PYTHON) -m tools.docs.diagram

# Writes the hashed locks anew after a change of an .in file. Dependabot reads these commands in the
# locks' headers.
lock: $(READY)
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 -c requirements-dev.txt requirements.in -o requirements.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes \
	  --python-version $(LAMBDA_PYTHON) --python-platform aarch64-manylinux2014 \
	  -c requirements-dev.txt function/requirements.in -o function/requirements.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 requirements-scan.in -o requirements-scan.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 tests/shipped/clients/requirements.in -o tests/shipped/clients/requirements.txt
	cd tests/shipped/clients && npm install --package-lock-only --omit-lockfile-registry-resolved
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 tools/reliability/requirements.in -o tools/reliability/requirements.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version 3.11 -c requirements-dev.txt tests/browser/requirements.in \
	  -o tests/browser/requirements.txt
	.venv/bin/uv pip compile -q $(UPGRADE) --no-annotate --generate-hashes --universal \
	  --python-version $(LAMBDA_PYTHON) -c function/requirements.txt tools/bench/requirements.in \
	  -o tools/bench/requirements.txt

# The same, at the newest versions that fit together.
upgrade: UPGRADE := --upgrade
upgrade: lock

clean:
	rm -rf .venv .venv-* .venv*.lock .build .local .bench

# Each is whole or made anew, by one run at a time: tools/make_venv.py.
$(READY): requirements-dev.txt
	@python3 tools/make_venv.py .venv $<

$(LOADER): tools/reliability/requirements.txt | $(READY)
	@$(PYTHON) tools/make_venv.py .venv-prove $<

# The scanners bring a hundred packages; none of them meets the project's own.
$(SCANNERS): requirements-scan.txt | $(READY)
	@$(PYTHON) tools/make_venv.py .venv-scan $<

$(BROWSER): tests/browser/requirements.txt | $(READY)
	@$(PYTHON) tools/make_venv.py .venv-browser $<
