# Fairlead. `make help` lists the targets; `make demo` and `make test` need nothing but Go, make and git.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

export GOTOOLCHAIN := local
export CGO_ENABLED := 0
export GINKGO_NO_COLOR := TRUE
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Tools are pinned in a module of their own, so that what they need never
# moves what the product is built on.
TOOL := go run -modfile=tools/go.mod
CONTROLLER_GEN := $(TOOL) sigs.k8s.io/controller-tools/cmd/controller-gen
GOLANGCI_LINT := $(TOOL) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

CORE := ./pkg/quota/... ./pkg/fairshare/... ./pkg/queue/... ./pkg/cache/... ./pkg/timeline/... ./pkg/admission/... ./pkg/simulation/...
# Suites that start servers run one at a time: they share two cores.
UNIT = $(shell go list ./... 2>/dev/null | grep -v '/test/' | grep -v '/internal/sandbox$$' | grep -v '/pkg/admission$$')
SERVED := ./internal/sandbox ./test/...
CHECKS ?= 2000
# The same stories each time, so that the same commit gives the same result;
# test-property draws new ones.
SEED ?= 1

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: build
build: bin/manager bin/fairlead bin/demo bin/bench ## Build every program into bin/

.PHONY: bin/manager bin/fairlead bin/demo bin/bench
bin/manager bin/fairlead bin/demo: bin/%:
	go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/$*
bin/bench:
	go build -ldflags '$(LDFLAGS)' -o $@ ./test/performance/bench

.PHONY: sandbox-programs
sandbox-programs: bin/fairlead ## Build Kubernetes' own programs into the cache (once, about 7 minutes)
	@bin/fairlead sandbox build

.PHONY: demo
demo: bin/manager bin/fairlead bin/demo ## The main job on a real Kubernetes; KEEP=1 keeps the cluster
	@bin/demo run $(if $(KEEP),--keep)

.PHONY: test
test: build sandbox-programs chromium ## Prove the project: unit, property, integration, fault and budget tests
	go test $(UNIT)
	go test -timeout 40m ./pkg/admission -rapid.checks=$(CHECKS) -rapid.seed=$(SEED)
	go test ./pkg/simulation/forecast -run Exact -rapid.checks=$(CHECKS) -rapid.seed=$(SEED)
	go test -p 1 -count 1 -timeout 20m $(SERVED)

.PHONY: chromium
chromium: ## Install the browser in which the demo's report is tested, if it is missing
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

.PHONY: test-unit
test-unit: ## Only the tests that start no server
	go test $(UNIT)
	go test ./pkg/admission

.PHONY: test-property
test-property: ## The laws of the engine against the oracle, and its plans against brute force: 100,000 cases of each
	GOGC=400 go test -count 1 -v -timeout 120m ./pkg/admission -run 'TestLaws$$|TestLawsUnderLoad$$|TestNested$$|TestPlans$$' -rapid.checks=100000

.PHONY: test-planned
test-planned: ## The same laws where some plan ahead (backfill): 100,000 cases, 20,000 with preemption; before them 300,000 against an engine without shortcuts
	GOGC=400 go test -count 1 -v -timeout 120m ./pkg/admission -run 'TestShortcuts$$' -rapid.checks=300000
	GOGC=400 go test -count 1 -v -timeout 120m ./pkg/admission -run 'TestLawsPlanned$$' -rapid.checks=100000
	GOGC=400 go test -count 1 -v -timeout 120m ./pkg/admission -run 'TestLawsPlannedPreempting$$' -rapid.checks=20000

.PHONY: test-fault
test-fault: build sandbox-programs ## Kill the manager at 50 seeded moments of the demo's load
	FAIRLEAD_FAULT_SEEDS=50 go test -count 1 -v -timeout 60m ./test/fault

.PHONY: test-chaos
test-chaos: build sandbox-programs ## Everybody does what they like for CHAOS_SECONDS (600), then all must be in order; CHAOS_SEED chooses the plans
	CHAOS_SECONDS=$${CHAOS_SECONDS:-600} go test -count 1 -v -timeout 60m ./test/chaos

.PHONY: mutants
mutants: ## Apply one-line faults to the core and parts of the shell; every one must be caught
	hack/mutants/run.sh

.PHONY: bench
bench: build sandbox-programs ## The engine's benchmarks, a million simulated jobs without and with backfill, and loads J1 and W1 against the floor
	go test -run '^$$' -bench . -benchmem ./pkg/admission ./pkg/timeline/... ./pkg/controller/loop
	GOMAXPROCS=1 go test -run '^$$' -bench Simulate -benchtime 1x ./pkg/simulation
	bin/bench

.PHONY: generate
generate: ## Deep copies and CRDs from the API types
	$(CONTROLLER_GEN) object paths=./apis/...
	$(CONTROLLER_GEN) crd:allowDangerousTypes=false paths=./apis/v1beta1/... output:crd:artifacts:config=config/crd/bases

.PHONY: lint
lint: ## Linters, among them the fences between the packages
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: verify
verify: generate lint ## Generated files in sync, module files tidy, linters pass
	go mod tidy -diff
	cd sandbox && go mod verify >/dev/null
	git diff --exit-code --stat -- apis config
