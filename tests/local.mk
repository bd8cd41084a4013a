# SPDX-License-Identifier: Apache-2.0
# Unit tests: one program a file, each prints TAP through tests/unit/shim.c. Scripts print TAP as well.
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh .py
SH_LOG_DRIVER = $(TEST_LOG_DRIVER)
PY_LOG_DRIVER = $(TEST_LOG_DRIVER)
PY_LOG_COMPILER = python3
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	CC='$(CC)'; export top_srcdir top_builddir CC; \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0; UBSAN_OPTIONS=print_stacktrace=1; \
	LSAN_OPTIONS=suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0; \
	export ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS;
EXTRA_DIST += tests/lsan.supp

unit_tests =
if WITH_CUNIT
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
check_LTLIBRARIES = libshim.la
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
