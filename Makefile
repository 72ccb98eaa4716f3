# make run and make test are all a newcomer needs. `make help` lists the rest.

LISTEN ?= 127.0.0.1:8000

.DELETE_ON_ERROR:
.PHONY: help run test check fmt autobahn fuzz bench

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A debug build: it is here soonest, and quick enough for any number of browser windows.
run: .tools/dev.env ## build Tidegate, start its three example applications, open the browser
	@echo "Building; the first time takes some minutes."
	@cargo build --package tidegate
	@examples/open-when-ready http://$(LISTEN)/ &
	@. .tools/dev.env && exec target/debug/tidegate run \
		--config examples/demo.toml --dev --listen $(LISTEN)

test: ## run every test there is, and install what they need
	@tests/all

check: ## run what takes seconds: format, lints, house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	cargo xtask

fmt: ## format the sources
	cargo fmt --all

autobahn: ## play all 517 cases of Autobahn's test suite against a release build
	cargo build --release --package tidegate
	tests/autobahn/run full target/release/tidegate

fuzz: ## fuzz each target for a minute; needs a nightly compiler
	fuzz/run

bench: ## measure the parts, then the whole beside its peers
	cargo bench --package bench
	bench/run

# Made once and kept, so that tokens outlive a restart. Delete it for new ones.
.tools/dev.env:
	@mkdir -p .tools
	@umask 077; for name in TIDEGATE_SECRET TIDEGATE_API_KEY; do \
		echo "export $$name=$$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"; \
	done >$@
