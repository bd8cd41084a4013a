# SPDX-License-Identifier: Apache-2.0
# Expressions beside their peer.
bench_spec_programs = tests/bench/spec/expr_bench
EXTRA_PROGRAMS += $(bench_spec_programs)
CLEANFILES += $(bench_spec_programs)
EXTRA_DIST += tests/bench/spec/expr_go/main.go tests/bench/spec/expr_go/go.mod \
	tests/bench/spec/expr_go/go.sum tests/bench/spec/peers.sh
tests_bench_spec_expr_bench_SOURCES = tests/bench/spec/expr_bench.c tests/bench/bench.c \
	tests/bench/bench.h
tests_bench_spec_expr_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/bench
tests_bench_spec_expr_bench_LDADD = libarc.la

bench-spec-programs: $(bench_spec_programs)
	@$(SHELL) $(srcdir)/tests/bench/spec/peers.sh $(srcdir)/tests/bench/spec tests/bench/spec
.PHONY: bench-spec-programs
