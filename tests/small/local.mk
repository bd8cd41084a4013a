# SPDX-License-Identifier: Apache-2.0
# Tiny worlds, searched to their end; tests/small/README.md says what they are. `./dev sim --small`
# searches all of them; a share stands among the unit tests.
small_sources = tests/small/desk.c tests/small/moves.c tests/small/print.c tests/small/rules.c \
	tests/small/search.c tests/small/small.h tests/small/world.c tests/small/worlds.c
check_PROGRAMS += tests/small/small
tests_small_small_SOURCES = tests/small/main.c $(small_sources)
tests_small_small_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/small
tests_small_small_LDADD = libarc.la
unit_tests += tests/small/small_test
tests_small_small_test_SOURCES = tests/small/small_test.c $(small_sources)
tests_small_small_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/small
if WITH_CUNIT
dist_check_SCRIPTS += tests/small/mutants_test.py
TESTS += tests/small/mutants_test.py
endif
EXTRA_DIST += tests/small/README.md

small-program: tests/small/small
.PHONY: small-program
