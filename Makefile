# Thin targets: each line calls the program that does it. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run demo stop test test-agents test-faults test-mcp lint lock proto bench clean set-up set-up-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: set-up ## Start the whole system; ends with a link to sign in. Ctrl-C stops it, but not the Pods
	@exec $(BIN)/python manage.py up

demo: set-up ## Watch three agents work together on the system that `make run` started
	@exec $(BIN)/python manage.py demo

stop: set-up ## Stop the system that `make run` started, its Pods too
	@exec $(BIN)/python manage.py down

test: set-up-dev ## Check style, types and contracts, then run every test
	@exec $(BIN)/python -m tests.everything

test-agents: set-up-dev ## Install the five real agents and drive each against a fake model; N= tries of each text, AGENTS=
	@exec $(BIN)/python -m tests.agents $(N) $(AGENTS)

test-faults: set-up-dev ## Break everything that can break and compare; SEED= and SECONDS= choose the long mix
	@exec $(BIN)/python -m tests.faults

test-mcp: set-up-dev ## Ask both doors for tools with the official conformance suite and inspector of MCP; npm fetches them
	@exec $(BIN)/python -m tests.mcp_conformance

lint: set-up-dev ## Only the checks of style, types and contracts
	@exec $(BIN)/python -m tests.everything lint

lock: set-up-dev ## Resolve the *.in files anew into locks with hashes
	@for name in requirements requirements-dev requirements-bootstrap requirements-node; do \
	  echo $$name.txt; $(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header $$name.in -o $$name.txt || exit 1; done

proto: set-up-dev ## Generate the Python of proto/mesh/v1/*.proto
	@$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. --grpc_python_out=. proto/mesh/v1/*.proto

bench: set-up-dev ## Measure beside terminado and the bare PTY, as ratios of one run
	@exec $(BIN)/python -m bench

clean: ## Remove what was installed and built; keeps the data in MESH_HOME
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find accounts bench channels_app mesh pods proto runner_agent tests -name __pycache__ -type d -prune -exec rm -rf {} +

set-up set-up-dev:
	@command -v $(PYTHON) >/dev/null || { echo "mesh: $(PYTHON) is missing: install Python 3.11 or newer (Debian: apt install python3 python3-venv), then try again." >&2; exit 1; }
	@$(PYTHON) mesh/bootstrap.py $(if $(filter set-up-dev,$@),--dev)
