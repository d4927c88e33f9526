version := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

# Of make torture: for how long, and which torments; SEED=0 draws a seed, and prints it.
FOR ?= 10m
SEED ?= 0

.PHONY: help test torture tools build bench

help: ## tell what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

test: tools ## run all tests, after installing what they need and this machine lacks
	go vet ./...
	SALLYPORT_TEST_TOOLS=required go test -race ./...
	cd interop && go vet . && SALLYPORT_TEST_TOOLS=required go test -count=1 .
	cd interop && npm ci --ignore-scripts --no-audit --no-fund && npm test
	$(MAKE) torture FOR=2m

torture: tools ## kill, pause and starve the gateway (FOR=10m SEED=0), and count what is lost
	cd interop && SALLYPORT_TEST_TOOLS=required go test -count=1 -v -run '^TestH40OnlyALostAnswerLosesAGrant$$' -timeout 0 . -torture $(FOR) -seed $(SEED)

tools: ## install what the tests need and this machine lacks
	@interop/tools.sh

build: ## build ./sallyport, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(version)" -o sallyport ./cmd/sallyport

bench: ## measure
	go run ./cmd/bench
