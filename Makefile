# The commands of this repository. They only name what Go and npm do: without
# make, `go build ./...` and `go test ./...` work in a bare clone.

GO ?= go
SHELL := bash
export CGO_ENABLED := 0

.DEFAULT_GOAL := build
.PHONY: build web up robot unitree test test-long test-arm prepare test-pages lint clean

# ./bin/samovar, with the pages where they can be built.
build: web
	$(GO) build -o bin/samovar ./cmd/samovar

# "yes" where Node is new enough for Vite.
NODE := $(shell command -v npm >/dev/null && node -e 'const v = process.versions.node.split("."); if (v[0] > 20 || v[0] == 20 && v[1] >= 19) console.log("yes")')

# The pages, which go build embeds from web/dist.
ifeq ($(NODE),yes)
web: web/dist/index.html
else
web:
	@echo "samovar: Node 20.19 or later with npm is missing: the pages are left out, the APIs work all the same" >&2
endif

PAGES := $(shell find web/src web/public -type f 2>/dev/null) $(wildcard web/*.ts web/*.js web/*.json web/index.html)

web/dist/index.html: web/node_modules/.package-lock.json $(PAGES)
	cd web && npm run build

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci
	@touch $@

# Everything on this machine: make up ARGS="--no-open --addr 127.0.0.1:8080"
up: build
	./bin/samovar up $(ARGS)

# ./bin/body, the simulated robot, with MuJoCo, which is fetched and lies beside it:
# the only program here that needs a C compiler, and nothing else needs it.
robot: bin/mujoco/libmujoco.so
	CGO_ENABLED=1 CGO_CFLAGS="-O2 -I$(CURDIR)/bin/mujoco/include" CGO_LDFLAGS='-L$(CURDIR)/bin/mujoco -Wl,-rpath,$$ORIGIN/mujoco' \
		$(GO) build -tags mujoco -o bin/body ./cmd/body

bin/mujoco/libmujoco.so: cmd/body/mujoco.txt .ci/mujoco
	.ci/mujoco
	@touch $@

# ./bin/unitree, the bridge to machines of Unitree: needs a C compiler, Cyclone DDS 0.10.2
# and its idlc, which Debian has in cyclonedds-dev and cyclonedds-tools. Types go without
# their description (-t): 0.10.2 crashes on the one that release 11 answers it with.
unitree: bin/cyclone/unitree.h
	CGO_ENABLED=1 CGO_CFLAGS="-O2 -I$(CURDIR)/bin/cyclone" $(GO) build -tags cyclone -o bin/unitree ./cmd/unitree

bin/cyclone/unitree.h: cmd/unitree/unitree.idl
	@command -v idlc >/dev/null || { echo "samovar: idlc of Cyclone DDS is missing; on Debian install cyclonedds-dev and cyclonedds-tools" >&2; exit 1; }
	mkdir -p bin/cyclone
	idlc -t -o bin/cyclone $<

# All tests.
test: prepare
	$(GO) test -timeout 10m ./...

# With the tests that take longer than seconds.
test-long: prepare
	SAMOVAR_LONG=1 $(GO) test -timeout 2h ./...

# The kernels for arm64 on a machine that is none: needs the emulator qemu-aarch64, which
# Debian has in qemu-user. The second processor has no USMMLA, the third no SDOT either.
QEMU := $(firstword $(shell command -v qemu-aarch64 qemu-aarch64-static))

test-arm:
	@[ -n "$(QEMU)" ] || { echo "samovar: qemu-aarch64 is missing; install qemu-user" >&2; exit 1; }
	for cpu in max neoverse-n1 cortex-a72; do \
		GOARCH=arm64 $(GO) test -exec "$(QEMU) -cpu $$cpu" ./compute/kernel || exit; \
	done

# What go test needs beside Go: installed where it may be, named where not. Then
# the pages, which the tests in a browser open.
prepare:
	@NODE=$(NODE) GO="$(GO)" .ci/prepare
	@if [ "$(NODE)" = yes ] && [ -e web/node_modules/.package-lock.json ]; then $(MAKE) --no-print-directory test-pages; fi

# The pages' own types and tests; those in a browser are Go's.
test-pages: web
	cd web && npm run check && npm test

# The rules of the repository (gofmt, vet and staticcheck among them), vet where
# other files are compiled, and whether generated files are as they are generated.
lint:
	$(GO) test -count=1 .
	$(GO) vet -tags purego ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) generate ./...
	git diff --exit-code -- '*.s'

# What was built and installed here. Models lie in the store and stay.
clean:
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 ! -name .gitkeep -delete
