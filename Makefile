# Every target is a line or two that you could type. "make" lists them.

GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What "linkmail version" says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# How long each fuzz target runs.
FUZZTIME ?= 30s
# Which benchmarks run, how often each, and how many times that.
BENCH ?= .
BENCHTIME ?= 20x
COUNT ?= 1
# Flags for "go test": make test TESTFLAGS=-race
TESTFLAGS ?=
# Flags for the proof: make prove PROVEFLAGS=-update quotes it in the pages
PROVEFLAGS ?=
# The machines that the packed skill has a program for.
SKILL_PLATFORMS ?= linux/amd64 linux/arm64

BUILD = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=$(VERSION)"

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

.PHONY: build
build: ## a static binary in bin/
	$(BUILD) -o bin/ ./cmd/linkmail

.PHONY: demo
demo: build ## everything on this machine, no account
	@exec bin/linkmail demo

.PHONY: test
test: ## all tests; needs Go and nothing else
	go test $(TESTFLAGS) ./...

.PHONY: race
race: ## all tests with the race detector; needs a C compiler
	$(MAKE) test TESTFLAGS=-race

.PHONY: fuzz
fuzz: ## every fuzz target in turn, each for FUZZTIME=30s
	.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## the measurements that the README quotes; BENCH=regexp BENCHTIME=20x COUNT=n
	go test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -count $(COUNT) ./...

.PHONY: lint
lint: ## golangci-lint with the house rules
	go run $(GOLANGCI) run --allow-serial-runners

.PHONY: fmt
fmt: ## format
	go run $(GOLANGCI) fmt

.PHONY: tidy
tidy: ## fail if go.mod or go.sum is not tidy
	go mod tidy -diff

.PHONY: cross
cross: ## build for the systems that are not this one
	CGO_ENABLED=0 GOOS=windows go build ./...
	CGO_ENABLED=0 GOOS=darwin go build ./...

.PHONY: docs
docs: ## render the generated parts of the README again
	go test ./cmd/linkmail -run '^TestTheGeneratedPartsOfTheReadmeAreCurrent$$' -update
	go test ./broker -run '^TestOpenAPIDescribesTheRoutesAndMessages$$' -update

.PHONY: interop
interop: .venv/mcpo/installed.txt .venv/linkauth/installed.txt ## judges that nobody here wrote; needs npx, chromium, python3, redis-server
	MCPO=$(CURDIR)/.venv/mcpo/bin/mcpo LINKAUTH_PYTHON=$(CURDIR)/.venv/linkauth/bin/python \
		go test -count=1 -tags interop -run '^TestInterop' ./...

.PHONY: prove
prove: ## search a running broker for secrets it must not have; needs npx, chromium
	go test -count=1 -tags interop -run '^TestProve' ./cmd/linkmail $(PROVEFLAGS)
	@cat .artifacts/zero-knowledge.md

.venv/%/installed.txt: .ci/%.txt
	python3 -m venv --clear .venv/$*
	.venv/$*/bin/pip install --quiet --disable-pip-version-check -r $<
	cp $< $@

.PHONY: skill
skill: ## pack the agent skill into dist/
	for p in $(SKILL_PLATFORMS); do \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(BUILD) -o dist/$$p/ ./cmd/linkmail || exit 1; done
	go run ./cmd/skillpack -out dist/linkmail-skill.zip -version '$(VERSION)' \
		$(foreach p,$(SKILL_PLATFORMS),$(p)=dist/$(p)/linkmail)

# The generated parts of the README and the golden files are compared with the
# code by the tests, so "race" is the check for drift as well.
.PHONY: check
check: tidy cross lint race interop prove ## all of the above that can fail: what CI runs
