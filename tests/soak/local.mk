# SPDX-License-Identifier: Apache-2.0
# Long tests of the stores; `./dev soak` runs them, a share stands among the unit tests.
soak_sources = tests/soak/soak.c tests/soak/soak.h tests/soak/kill.c tests/soak/power.c \
	tests/soak/flips.c tests/soak/calls.c tests/soak/trace.c tests/soak/trace.h \
	tests/unit/store/test_disk.c tests/unit/store/test_disk.h
if WITH_POSTGRES
soak_pg_sources = tests/soak/pgkill.c tests/soak/pgbytes.c $(pg_server_sources) \
	tests/unit/store/pg_proxy.c tests/unit/store/pg_proxy.h
else
soak_pg_sources = tests/soak/pgnone.c
endif
check_PROGRAMS += tests/soak/soak
tests_soak_soak_SOURCES = tests/soak/main.c tests/soak/checks.c $(soak_sources) $(soak_pg_sources)
tests_soak_soak_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/soak \
	-I$(top_srcdir)/tests/unit/store
tests_soak_soak_LDADD = libarc.la $(LIBPQ_LIBS)
unit_tests += tests/soak/soak_test
tests_soak_soak_test_SOURCES = tests/soak/soak_test.c $(soak_sources) $(soak_pg_sources)
tests_soak_soak_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/soak \
	-I$(top_srcdir)/tests/unit/store
tests_soak_soak_test_LDADD = $(LDADD) $(LIBPQ_LIBS)

soak-program: tests/soak/soak
.PHONY: soak-program
