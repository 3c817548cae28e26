# Everything a newcomer needs: `make run` and `make test`. `make help` lists the rest.

CARGO ?= cargo
NPM_INSTALL = npm ci --no-audit --no-fund --silent

CLIENTS_RESULTS = $(CURDIR)/target/clients

.PHONY: help run console test test-rust test-clients clients-table fire lint doc bench compare clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: console ## build everything and serve the page at http://127.0.0.1:8080/
	$(CARGO) run --release

console: console/dist/index.html ## build the page that is embedded into the binary

console/dist/index.html: $(shell find console/src console/public console/index.html -type f 2>/dev/null) \
		console/package-lock.json console/vite.config.ts
	@command -v npm >/dev/null || { echo "The page needs Node.js 20 or newer with npm (Debian: apt install nodejs npm)."; exit 1; }
	cd console && $(NPM_INSTALL) && npm run --silent build
	@touch $@

test: test-rust test-clients ## run all tests (installs what the clients' tests need)

test-rust: console
	$(CARGO) test --workspace

test-clients: console
	$(CARGO) build --bins --example socketio_echo
	rm -rf $(CLIENTS_RESULTS)
	HONGYAN_BIN=$(CURDIR)/target/debug/hongyan HONGYAN_CLIENTS_RESULTS=$(CLIENTS_RESULTS) tests/clients/run
	node tests/clients/table.mjs --check $(CLIENTS_RESULTS)

clients-table: ## make docs/clients.md anew, of what the last test-clients has proved
	node tests/clients/table.mjs $(CLIENTS_RESULTS) > target/clients.md
	mv target/clients.md docs/clients.md

fire: console ## all attacks at full size (hours); renews docs/reliability.md
	tests/fire/run $(PARTS)

lint: ## rustfmt, clippy (warnings denied), and what may come in from outside (deny.toml)
	$(CARGO) fmt --all --check
	@tests/supply/check || { [ $$? -eq 3 ] && [ -z "$$CI" ]; }
	$(CARGO) clippy --workspace --all-targets -- -D warnings

doc: ## the crates' own documentation, in target/doc
	$(CARGO) doc --workspace --no-deps

bench: ## time the parts against what cannot be faster, a plain copy of the same bytes or the like
	$(CARGO) bench --bench '*'

compare: console ## measure beside RabbitMQ, Artemis, Spring and socket.io (40 minutes); renews docs/performance.md
	benches/compare/run $(PARTS)

clean: ## remove what was built
	$(CARGO) clean
	rm -rf console/dist console/node_modules tests/clients/node_modules
