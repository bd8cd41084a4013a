# SPDX-License-Identifier: Apache-2.0
# Unit tests: one program a file, each prints TAP through tests/unit/shim.c. Scripts print TAP too.
# The kinds of tests; each fragment adds to its own. `make check` runs all of them,
# `make check-unit` and its like one kind.
#   unit_tests       tests/unit: programs behind the shim
#   shape_tests      tests/shape: what the tree, the headers and the library look like
#   installed_tests  what only an installed copy shows; left out of a sanitized build, where a
#                    program made with nothing but pkg-config cannot load the library
#   e2e_tests        tests/e2e: the programs, talking to each other
#   interop_tests    tests/interop: clients, servers and tools of others against our gRPC
#   smoke_tests      a few of these that say within seconds whether a build is sound
# Programs have no extension and so take LOG_DRIVER.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh .py
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = $(PYTHON)
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	CC='$(CC)'; PYTHON='$(PYTHON)'; export top_srcdir top_builddir CC PYTHON; \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0; UBSAN_OPTIONS=print_stacktrace=1; \
	LSAN_OPTIONS=suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0; \
	export ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS;
EXTRA_DIST += tests/lsan.supp tests/unit/page.h tests/unit/passing_logs.h

TESTS += $(shape_tests) $(e2e_tests) $(interop_tests)
if !SANITIZED
TESTS += $(installed_tests)
endif
if WITH_CUNIT
smoke_tests += tests/unit/base/text_test tests/unit/codec/pb_test tests/unit/store/store_mem_test \
	tests/unit/store/store_sqlite_test
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
check_LTLIBRARIES += libshim.la
libshim_la_SOURCES = tests/unit/shim.c tests/unit/shim.h
libshim_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
libshim_la_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
libshim_la_LIBADD = $(CUNIT_LIBS)
endif
LDADD = libshim.la libarc.la
AM_CPPFLAGS += -I$(top_srcdir)/tests/unit

include tests/unit/base/local.mk
include tests/unit/core/local.mk
include tests/unit/spec/local.mk
include tests/unit/port/local.mk
include tests/unit/engine/local.mk
include tests/unit/store/local.mk
include tests/unit/logs/local.mk
include tests/unit/codec/local.mk
include tests/unit/command/local.mk
include tests/unit/wire/local.mk
include tests/unit/net/local.mk
include tests/unit/face/local.mk
include tests/shape/local.mk
include tests/e2e/local.mk
include tests/bench/local.mk
include tests/interop/local.mk
include tests/fuzz/local.mk
include tests/sim/local.mk
include tests/soak/local.mk
include tests/small/local.mk

if WITH_PROGRAMS
e2e_tests += tests/e2e/smoke_test.py
smoke_tests += tests/e2e/smoke_test.py
endif
EXTRA_DIST += tests/e2e/smoke_test.py

check-unit check-shape check-installed check-e2e check-interop check-smoke:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$$($(@:check-%=%)_tests)'
.PHONY: check-unit check-shape check-installed check-e2e check-interop check-smoke
