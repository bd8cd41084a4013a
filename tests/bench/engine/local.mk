# SPDX-License-Identifier: Apache-2.0
# The engine beside bare SQLite and beside itself; run by ./dev bench engine, described in
# docs/BENCHMARKS.md.
bench_engine_programs = tests/bench/engine/engine_bench
EXTRA_PROGRAMS += $(bench_engine_programs)
CLEANFILES += $(bench_engine_programs)
EXTRA_DIST += tests/bench/engine/peers.sh tests/bench/engine/restate/peer.js \
	tests/bench/engine/restate/package.json tests/bench/engine/restate/package-lock.json
bench_plane_sources = tests/bench/engine/plane.c tests/bench/engine/plane.h
tests_bench_engine_engine_bench_SOURCES = tests/bench/engine/engine_bench.c \
	tests/bench/engine/bare.c tests/bench/engine/bare.h $(bench_plane_sources)
tests_bench_engine_engine_bench_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_bench_engine_engine_bench_LDADD = libarc.la $(SQLITE_LIBS)

bench-engine-programs: $(bench_engine_programs)
	@$(SHELL) $(srcdir)/tests/bench/engine/peers.sh $(srcdir)/tests/bench/engine \
		tests/bench/engine
.PHONY: bench-engine-programs
