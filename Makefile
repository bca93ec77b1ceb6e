# `make run` and `make test` are the two commands; `make help` lists the rest.
SHELL      := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN        := $(CURDIR)/bin
TOOLBIN    := $(BIN)/tools
DATA_DIR   ?= $(CURDIR)/.cadastre
LISTEN     ?= 127.0.0.1:8080
ESTATE     ?=
CASES      ?= $(wildcard ../shared/cases)
SCORE      ?= $(wildcard ../shared/score/score.py)
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS    := -s -w -X main.version=$(VERSION)

UI_SOURCES     := $(shell find ui/src ui/public ui/index.html ui/vite.config.* graph/api/schema -type f 2>/dev/null)
WORKER_SOURCES := $(shell find internal/googlesql/worker -type f 2>/dev/null)
GO_SOURCES     := $(shell find . -name '*.go' -not -path './ui/node_modules/*' -not -path './internal/googlesql/worker/*' 2>/dev/null) $(shell find policy/rego ent/migrations graph/api/schema -type f 2>/dev/null)

.PHONY: help
help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build, start the demo, print its address and three sign-ins
	@exec $(BIN)/cadastre demo --data-dir "$(DATA_DIR)" --listen "$(LISTEN)" $(if $(ESTATE),--estate "$(ESTATE)")

.PHONY: build
build: ## leave bin/cadastre and its worker beside it
	@$(MAKE) --no-print-directory -j2 $(BIN)/cadastre $(BIN)/cadastre-googlesql

$(BIN)/cadastre: go.mod go.sum $(GO_SOURCES) ui/dist/index.html
	@echo "cadastre: building the program"
	@go build -trimpath -ldflags "$(LDFLAGS)" -o $@ ./cmd/cadastre

$(BIN)/cadastre-googlesql: $(WORKER_SOURCES)
	@scripts/build-worker $@

ui/node_modules/.package-lock.json: ui/package.json ui/package-lock.json
	@echo "ui: installing packages"
	@cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(UI_SOURCES)
	@echo "ui: building"
	@cd ui && npm run --silent build
	@touch $@

.PHONY: test
test: ## install what tests need and run all of them
	@scripts/test

.PHONY: lint
lint: $(TOOLBIN)/golangci-lint $(TOOLBIN)/gofumpt ui/node_modules/.package-lock.json ## check the manner of the code
	@$(TOOLBIN)/golangci-lint run ./...
	@unformatted="$$($(TOOLBIN)/gofumpt -l $$(git ls-files '*.go' | grep -v -e '^ent/gen/' -e '^graph/api/gen/'))"; test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	@cd ui && npm run --silent lint

$(TOOLBIN)/%: tools/go.mod tools/go.sum
	@echo "tools: building $* (the linter takes some minutes the first time)"
	@mkdir -p $(TOOLBIN)
	@cd tools && go build -o $@ "$$(go list tool | grep '/$*$$')"

.PHONY: generate
generate: ui/node_modules/.package-lock.json ## write all generated code again
	@cd ent && go generate ./...
	@cd graph/api && go generate ./...
	@cd ui && npm run --silent generate
	@scripts/notices

.PHONY: verify
verify: generate ## generate, and fail if that changes anything
	@git diff --exit-code --stat -- ent graph/api ui/src/gql THIRD_PARTY_NOTICES || { echo "generated files are not as their sources say: run make generate and commit"; exit 1; }

.PHONY: bench
bench: $(BIN)/cadastre-googlesql ## run the benchmarks, each with its anchor
	@go test -run '^$$' -bench . -benchtime 1s ./graph/... ./policy/... ./ent/store/... ./ingest/...

.PHONY: bench-store
bench-store: ## the store beside the bare drivers; ASSETS=1000000 for a large estate, FILE= keeps it
	@CADASTRE_BENCH_ASSETS="$(ASSETS)" CADASTRE_BENCH_FILE="$(FILE)" go test -timeout 3h -run '^$$' -bench 'Bulk|Scale|Unchanged|SmallCommit' -benchtime 3x ./ent/store

# CADASTRE_BENCH_ASSETS is how many assets an estate has; a million of them in
# the store take long, so that those are searched in the index alone.
.PHONY: bench-search
bench-search: ## search estates of 100,000 and a million assets, and beside FTS5
	@go test -run '^$$' -bench BenchmarkEstate -benchtime 600x -timeout 60m ./graph/search
	@CADASTRE_BENCH_ASSETS=1000000 go test -run '^$$' -bench BenchmarkEstate -benchtime 600x -timeout 60m ./graph/search
	@CADASTRE_BENCH_ASSETS=100000 go test -run '^$$' -bench BenchmarkSearchEstate -benchtime 20x -timeout 60m ./ent/store

.PHONY: crash
crash: $(BIN)/cadastre-googlesql ## kill programs at random moments and count; ROUNDS=10 for ten times as many
	@scripts/crash "$(or $(ROUNDS),1)"

.PHONY: screenshots
screenshots: build ## write the pictures in docs/ui again
	@scripts/e2e docs/ui

.PHONY: clean
clean: ## remove what was built; the demo's data stays
	@rm -rf $(BIN) ui/dist/assets ui/dist/index.html ui/node_modules

.PHONY: ui-test
ui-test: ui/node_modules/.package-lock.json ## test the web app's units and its size
	@cd ui && npm run --silent test && npm run --silent size
