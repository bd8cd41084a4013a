# SPDX-License-Identifier: Apache-2.0
# Definitions beside parsers and decoders of others, and expressions beside their peer; run by
# ./dev bench spec, described in docs/BENCHMARKS.md.
bench_spec_programs = tests/bench/spec/expr_bench tests/bench/spec/spec_bench
EXTRA_PROGRAMS += $(bench_spec_programs)
CLEANFILES += $(bench_spec_programs)
EXTRA_DIST += tests/bench/spec/definition.py tests/bench/spec/hostile.py \
	tests/bench/spec/spec_bench.py tests/bench/spec/peer_py.py tests/bench/spec/peers.sh \
	tests/bench/spec/go/main.go tests/bench/spec/go/go.mod tests/bench/spec/go/go.sum \
	tests/bench/spec/expr_go/main.go tests/bench/spec/expr_go/go.mod \
	tests/bench/spec/expr_go/go.sum tests/bench/spec/node/peer.js \
	tests/bench/spec/node/package.json tests/bench/spec/node/package-lock.json
tests_bench_spec_expr_bench_SOURCES = tests/bench/spec/expr_bench.c tests/bench/bench.c \
	tests/bench/bench.h
tests_bench_spec_expr_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/bench
tests_bench_spec_expr_bench_LDADD = libarc.la
tests_bench_spec_spec_bench_SOURCES = tests/bench/spec/spec_bench.c
tests_bench_spec_spec_bench_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(YAJL_CFLAGS)
tests_bench_spec_spec_bench_LDADD = libarc.la $(YAML_LIBS) $(YAJL_LIBS)

bench-spec-programs: $(bench_spec_programs)
	@$(SHELL) $(srcdir)/tests/bench/spec/peers.sh $(srcdir)/tests/bench/spec tests/bench/spec
.PHONY: bench-spec-programs
