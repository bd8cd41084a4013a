# SPDX-License-Identifier: Apache-2.0
# Tests of what the programs are made of.
example_tests = \
	tests/unit/examples/args_test \
	tests/unit/examples/diff_test \
	tests/unit/examples/duration_test \
	tests/unit/examples/journal_test \
	tests/unit/examples/json_test \
	tests/unit/examples/keeper_test \
	tests/unit/examples/lines_test \
	tests/unit/examples/outputs_test \
	tests/unit/examples/proc_test \
	tests/unit/examples/spool_test \
	tests/unit/examples/templates_test \
	tests/unit/examples/text_test \
	tests/unit/examples/tree_test \
	tests/unit/examples/view_test
if WITH_CUNIT
if WITH_PROGRAMS
unit_tests += $(example_tests)
endif
endif
example_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/examples
example_test_libs = libprogram.la libshim.la libarc.la
tests_unit_examples_args_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_args_test_LDADD = $(example_test_libs)
tests_unit_examples_diff_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_diff_test_LDADD = $(example_test_libs)
tests_unit_examples_duration_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_duration_test_LDADD = $(example_test_libs)
tests_unit_examples_journal_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_journal_test_SOURCES = tests/unit/examples/journal_test.c $(journal_sources)
tests_unit_examples_journal_test_LDADD = $(example_test_libs)
tests_unit_examples_json_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_json_test_LDADD = $(example_test_libs)
tests_unit_examples_keeper_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_keeper_test_LDADD = $(example_test_libs)
tests_unit_examples_lines_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_lines_test_LDADD = $(example_test_libs)
tests_unit_examples_outputs_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_outputs_test_LDADD = $(example_test_libs)
tests_unit_examples_proc_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_proc_test_LDADD = $(example_test_libs)
tests_unit_examples_spool_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_spool_test_SOURCES = tests/unit/examples/spool_test.c examples/agent/spool.c
tests_unit_examples_spool_test_LDADD = $(example_test_libs)
tests_unit_examples_templates_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_templates_test_LDADD = $(example_test_libs)
tests_unit_examples_text_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_text_test_LDADD = $(example_test_libs)
tests_unit_examples_tree_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_tree_test_LDADD = $(example_test_libs)
tests_unit_examples_view_test_CPPFLAGS = $(example_test_cppflags)
tests_unit_examples_view_test_SOURCES = tests/unit/examples/view_test.c examples/cli/view.c \
	examples/cli/draw.c examples/cli/term.c
tests_unit_examples_view_test_LDADD = $(example_test_libs)

# The programs as their users meet them.
dist_check_SCRIPTS += tests/e2e/agent_test.py tests/e2e/cli_test.py tests/e2e/lsp_test.py \
	tests/e2e/sim_test.py
if WITH_SERVER
e2e_tests += tests/e2e/agent_test.py tests/e2e/cli_test.py tests/e2e/lsp_test.py \
	tests/e2e/sim_test.py
endif
