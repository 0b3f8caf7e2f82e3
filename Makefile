# Everything a newcomer needs is `make demo` and `make test`: each sets up all that it needs by itself.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-path engines engines-stop reference openapi tailers tailers-full wheel chaos clean format soak

help: ## show what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(BIN)/.installed ## five real services, an agent and an embedded Clew; the path of one failed request
	$(BIN)/clew demo

test: $(BIN)/.installed ## the whole test suite, on all cores
	$(BIN)/python -m pytest --numprocesses auto --no-loadscope-reorder

lint: $(BIN)/.installed ## ruff, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(BIN)/.installed ## let ruff format and fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: $(BIN)/.installed ## write docs/reference.md anew, from the code
	$(BIN)/clew config reference >docs/reference.md.new
	mv docs/reference.md.new docs/reference.md

openapi: $(BIN)/.installed ## write docs/openapi.json anew, from the code
	$(BIN)/clew config openapi >docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

bench: $(BIN)/.installed ## speed, as ratios to the raw ceiling of the same run (CLEW_DATA: folder of the real logs)
	$(BIN)/python bench/run.py

chaos: $(BIN)/.installed ## kill and stop real engines and programs under load, as often as it takes; prints the counts
	CLEW_CHAOS=full CLEW_REQUIRE_ENGINES=1 $(BIN)/python -m pytest -s tests/chaos

engines: $(BIN)/.installed ## start a real Kafka (BROKERS=1 or 3) and a real Elasticsearch on loopback; says where they answer
	$(BIN)/python -m deploy.engines start --brokers $(or $(BROKERS),1)

engines-stop: $(BIN)/.installed ## stop them
	$(BIN)/python -m deploy.engines stop

tailers: $(BIN)/.installed ## scenarios of tailing, Clew beside what else is installed, into docs/tailing.md
	$(BIN)/python -m tests.scenarios.tailing.table --write docs/tailing.md

tailers-full: $(BIN)/.installed ## the same scenarios for Clew with the great counts: 50 files, 10,000 files, 200 kills
	CLEW_TAILERS_FULL=1 $(BIN)/python -m pytest tests/scenarios/tailing

wheel: $(BIN)/.installed ## dist/clew-*.whl: without extras it is the agent
	$(BIN)/python -m build --quiet --wheel

bench-path: $(BIN)/.installed ## paths from logs alone against the truth: made-up systems of 3 to 300 services, two real ones (CLEW_DATA)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python bench/path.py --json bench-path.json
	$(BIN)/python bench/path_plot.py bench-path.json docs/path-reliability.png

soak: $(BIN)/.installed ## ten minutes of rotation, kills and outages; counts what was lost, doubled, corrupt, out of order
	$(BIN)/python -m tests.scenarios.tailing.soak

clean: ## remove what the other targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist build
