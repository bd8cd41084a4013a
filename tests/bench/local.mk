# SPDX-License-Identifier: Apache-2.0
# Measurements, built and run by ./dev bench alone. They print figures and judge nothing.
bench_programs = tests/bench/base_bench tests/bench/control_bench tests/bench/lists_bench
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
tests_bench_base_bench_SOURCES = tests/bench/base_bench.c tests/bench/bench.c tests/bench/bench.h
tests_bench_base_bench_LDADD = libarc.la
tests_bench_control_bench_SOURCES = tests/bench/control_bench.c tests/bench/bench.c \
	tests/bench/bench.h
tests_bench_control_bench_LDADD = libarc.la
tests_bench_lists_bench_SOURCES = tests/bench/lists_bench.c
tests_bench_lists_bench_LDADD = libarc.la

bench-programs: $(bench_programs)
bench: $(bench_programs)
	@for program in $(bench_programs); do ./$$program $(BENCH) || exit 1; done
.PHONY: bench bench-programs

include tests/bench/engine/local.mk
include tests/bench/grpc/local.mk
include tests/bench/spec/local.mk
include tests/bench/store/local.mk
