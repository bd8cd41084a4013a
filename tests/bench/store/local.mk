# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL store and the engine on it beside others on the same server; run by ./dev bench
# store, described in docs/BENCHMARKS.md.
EXTRA_DIST += tests/bench/store/peers.sh tests/bench/store/server.py \
	tests/bench/store/store_bench.py tests/bench/store/node/package.json \
	tests/bench/store/node/package-lock.json tests/bench/store/node/graphile.mjs \
	tests/bench/store/node/dbos.mjs
if WITH_POSTGRES
bench_store_programs = tests/bench/store/store_bench tests/bench/store/delay
EXTRA_PROGRAMS += $(bench_store_programs)
CLEANFILES += $(bench_store_programs)
tests_bench_store_store_bench_SOURCES = tests/bench/store/store_bench.c \
	tests/bench/store/pipeline.c tests/bench/store/pipeline.h tests/bench/store/record.c \
	tests/bench/store/record.h $(bench_plane_sources)
tests_bench_store_store_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/bench/engine
tests_bench_store_store_bench_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS)
tests_bench_store_store_bench_LDADD = libarc.la $(LIBPQ_LIBS)
tests_bench_store_delay_SOURCES = tests/bench/store/delay.c

bench-store-programs: $(bench_store_programs)
	@$(SHELL) $(srcdir)/tests/bench/store/peers.sh $(srcdir)/tests/bench/store tests/bench/store
else
bench-store-programs:
	@echo "peers: built without PostgreSQL: nothing can be measured"; false
endif
.PHONY: bench-store-programs
