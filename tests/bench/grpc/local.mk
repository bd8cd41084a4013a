# SPDX-License-Identifier: Apache-2.0
# gRPC beside its peers, built and run by ./dev bench grpc alone; see docs/BENCHMARKS.md.
bench_grpc_programs = tests/bench/grpc/bench_server
EXTRA_PROGRAMS += $(bench_grpc_programs)
EXTRA_LTLIBRARIES = tests/bench/grpc/libbench.la
CLEANFILES += $(bench_grpc_programs) $(EXTRA_LTLIBRARIES) $(bench_grpc_made)
EXTRA_DIST += tests/bench/grpc/bench.proto tests/bench/grpc/peer_cpp.cc \
	tests/bench/grpc/go/main.go tests/bench/grpc/go/go.mod tests/bench/grpc/go/go.sum \
	tests/bench/grpc/peers.sh tests/bench/grpc/grpc_bench.py tests/bench/grpc/servers.py \
	tests/bench/grpc/idle.py tests/bench/grpc/bodies.py tests/bench/grpc/verify.py

# As with the messages of api/: what protoc-c writes does not hold up to our warnings.
bench_grpc_made = tests/bench/grpc/bench.pb-c.c tests/bench/grpc/bench.pb-c.h
tests/bench/grpc/bench.pb-c.h: tests/bench/grpc/bench.pb-c.c
tests/bench/grpc/bench.pb-c.c: tests/bench/grpc/bench.proto
	$(AM_V_GEN)$(MKDIR_P) tests/bench/grpc && $(PROTOC_C) -I $(srcdir)/tests/bench/grpc \
		--c_out=tests/bench/grpc $(srcdir)/tests/bench/grpc/bench.proto
nodist_tests_bench_grpc_libbench_la_SOURCES = $(bench_grpc_made)
tests_bench_grpc_libbench_la_CFLAGS = $(AM_CFLAGS) -Wno-error -w

# Against the shared library, as any program; without libtool's wrapper, which would be measured.
tests_bench_grpc_bench_server_SOURCES = tests/bench/grpc/bench_server.c
tests_bench_grpc_bench_server_CPPFLAGS = $(AM_CPPFLAGS) -Itests/bench/grpc
tests_bench_grpc_bench_server_LDADD = tests/bench/grpc/libbench.la libarcentra.la \
	$(PROTOBUFC_LIBS)
tests_bench_grpc_bench_server_LDFLAGS = $(AM_LDFLAGS) -no-install
$(tests_bench_grpc_bench_server_OBJECTS): | tests/bench/grpc/bench.pb-c.h

bench-grpc-programs: $(bench_grpc_programs)
	@$(SHELL) $(srcdir)/tests/bench/grpc/peers.sh $(srcdir)/tests/bench/grpc tests/bench/grpc
.PHONY: bench-grpc-programs
