# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. ./dev fuzz builds them with clang and libFuzzer and runs them; every build feeds
# them what was found worth keeping (corpus/), as unit tests. tests/fuzz/README.md says more.
fuzz_shared = tests/fuzz/fuzz.c tests/fuzz/fuzz.h
fuzz_targets = tests/fuzz/fuzz_expr tests/fuzz/fuzz_json tests/fuzz/fuzz_pattern \
	tests/fuzz/fuzz_pb tests/fuzz/fuzz_read tests/fuzz/fuzz_spec tests/fuzz/fuzz_yaml
fuzz_tests = tests/fuzz/expr_test tests/fuzz/json_test tests/fuzz/pattern_test tests/fuzz/pb_test \
	tests/fuzz/read_test tests/fuzz/spec_test tests/fuzz/yaml_test
fuzz_world = tests/unit/core/world.c tests/unit/core/world.h
tests_fuzz_fuzz_expr_SOURCES = tests/fuzz/fuzz_expr.c $(fuzz_world) $(fuzz_shared)
tests_fuzz_fuzz_expr_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/core
tests_fuzz_fuzz_expr_LDADD = libarc.la
tests_fuzz_fuzz_expr_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_expr_test_SOURCES = tests/fuzz/fuzz_expr.c tests/fuzz/replay.c $(fuzz_world) \
	$(fuzz_shared)
tests_fuzz_expr_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/core
tests_fuzz_expr_test_LDADD = libarc.la
tests_fuzz_fuzz_pattern_SOURCES = tests/fuzz/fuzz_pattern.c $(fuzz_shared)
tests_fuzz_fuzz_pattern_LDADD = libarc.la
tests_fuzz_fuzz_pattern_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_pattern_test_SOURCES = tests/fuzz/fuzz_pattern.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_pattern_test_LDADD = libarc.la
fuzz_trees = tests/fuzz/fuzz_tree.c tests/fuzz/fuzz_tree.h $(fuzz_shared)
tests_fuzz_fuzz_read_SOURCES = tests/fuzz/fuzz_read.c $(fuzz_trees)
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c $(fuzz_shared)
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c $(fuzz_trees)
tests_fuzz_read_test_SOURCES = tests/fuzz/fuzz_read.c tests/fuzz/replay.c $(fuzz_trees)
tests_fuzz_spec_test_SOURCES = tests/fuzz/fuzz_spec.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_yaml_test_SOURCES = tests/fuzz/fuzz_yaml.c tests/fuzz/replay.c $(fuzz_trees)
tests_fuzz_fuzz_read_LDADD = libarc.la
tests_fuzz_fuzz_read_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_spec_LDADD = libarc.la
tests_fuzz_fuzz_spec_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_yaml_LDADD = libarc.la
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_read_test_LDADD = libarc.la
tests_fuzz_spec_test_LDADD = libarc.la
tests_fuzz_yaml_test_LDADD = libarc.la
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_shared)
tests_fuzz_fuzz_pb_SOURCES = tests/fuzz/fuzz_pb.c $(fuzz_shared)
tests_fuzz_json_test_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_pb_test_SOURCES = tests/fuzz/fuzz_pb.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_fuzz_json_LDADD = libarc.la
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_pb_LDADD = libarc.la
tests_fuzz_fuzz_pb_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_json_test_LDADD = libarc.la
tests_fuzz_pb_test_LDADD = libarc.la
if WITH_GRPC
fuzz_h2 = tests/fuzz/h2.c tests/fuzz/h2.h $(fuzz_shared)
fuzz_targets += tests/fuzz/fuzz_h2srv tests/fuzz/fuzz_h2cli tests/fuzz/fuzz_lpm \
	tests/fuzz/fuzz_meta tests/fuzz/fuzz_unpack
fuzz_tests += tests/fuzz/h2srv_test tests/fuzz/h2cli_test tests/fuzz/lpm_test \
	tests/fuzz/meta_test tests/fuzz/unpack_test
tests_fuzz_fuzz_h2srv_SOURCES = tests/fuzz/fuzz_h2srv.c $(fuzz_h2)
tests_fuzz_fuzz_h2cli_SOURCES = tests/fuzz/fuzz_h2cli.c $(fuzz_h2)
tests_fuzz_fuzz_lpm_SOURCES = tests/fuzz/fuzz_lpm.c $(fuzz_shared)
tests_fuzz_fuzz_meta_SOURCES = tests/fuzz/fuzz_meta.c $(fuzz_shared)
tests_fuzz_fuzz_unpack_SOURCES = tests/fuzz/fuzz_unpack.c $(fuzz_shared)
tests_fuzz_h2srv_test_SOURCES = tests/fuzz/fuzz_h2srv.c tests/fuzz/replay.c $(fuzz_h2)
tests_fuzz_h2cli_test_SOURCES = tests/fuzz/fuzz_h2cli.c tests/fuzz/replay.c $(fuzz_h2)
tests_fuzz_lpm_test_SOURCES = tests/fuzz/fuzz_lpm.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_meta_test_SOURCES = tests/fuzz/fuzz_meta.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_unpack_test_SOURCES = tests/fuzz/fuzz_unpack.c tests/fuzz/replay.c $(fuzz_shared)
tests_fuzz_fuzz_h2srv_LDADD = libarc.la
tests_fuzz_fuzz_h2srv_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_h2cli_LDADD = libarc.la
tests_fuzz_fuzz_h2cli_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_lpm_LDADD = libarc.la
tests_fuzz_fuzz_lpm_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_meta_LDADD = libarc.la
tests_fuzz_fuzz_meta_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_fuzz_unpack_LDADD = libarc.la
tests_fuzz_fuzz_unpack_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
tests_fuzz_h2srv_test_LDADD = libarc.la
tests_fuzz_h2cli_test_LDADD = libarc.la
tests_fuzz_lpm_test_LDADD = libarc.la
tests_fuzz_meta_test_LDADD = libarc.la
tests_fuzz_unpack_test_LDADD = libarc.la
# The first inputs: what a client of ours says to a server of ours, and the other way round.
if WITH_CUNIT
fuzz_seeds = tests/fuzz/seeds
tests_fuzz_seeds_SOURCES = tests/fuzz/seeds.c tests/unit/wire/pair.c tests/unit/wire/pair.h
tests_fuzz_seeds_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/wire \
	-I$(top_srcdir)/tests/unit/codec
endif
endif
unit_tests += $(fuzz_tests)
EXTRA_PROGRAMS += $(fuzz_targets) $(fuzz_seeds)
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/corpus tests/fuzz/expr.dict \
	tests/fuzz/h2.dict tests/fuzz/json.dict tests/fuzz/spec.dict tests/fuzz/yaml.dict
CLEANFILES += $(fuzz_targets) $(fuzz_seeds)

# Only in a build that ./dev fuzz has configured: there libFuzzer brings the main().
fuzz_ldflags = -fsanitize=fuzzer
fuzz-targets: $(fuzz_targets)
fuzz-seeds: $(fuzz_seeds)
.PHONY: fuzz-targets fuzz-seeds
