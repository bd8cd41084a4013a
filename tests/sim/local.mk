# SPDX-License-Identifier: Apache-2.0
# The simulator; tests/sim/README.md says what it is. `./dev sim` builds it for speed; a share of
# its lives stands among the unit tests.
sim_sources = tests/sim/agent.c tests/sim/defs.c tests/sim/dice.h tests/sim/faults.def \
	tests/sim/front.c tests/sim/front.h tests/sim/goals.def tests/sim/invariants.def \
	tests/sim/judge.c tests/sim/known.inc tests/sim/moves.c tests/sim/moves.h \
	tests/sim/overdue.c tests/sim/people.c tests/sim/roam.c \
	tests/sim/server.c tests/sim/shadow.c tests/sim/shadow.h tests/sim/shadow_event.c \
	tests/sim/shadow_event.h tests/sim/shadow_groups.c tests/sim/shadow_line.c \
	tests/sim/shadow_logs.c tests/sim/shadow_replicas.c tests/sim/sim.c tests/sim/sim.h
# Lives on the real stores.
sim_sqlite_sources = tests/sim/stores.c tests/sim/stores.h $(kill_files_sources)
sim_stores_sources = $(sim_sqlite_sources)
if WITH_POSTGRES
sim_stores_sources += tests/sim/store_pg.c $(pg_server_sources)
else
sim_stores_sources += tests/sim/store_pg_none.c
endif
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/main.c tests/sim/checks.c $(sim_sources) $(sim_stores_sources)
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_sim_sim_LDADD = libarc.la $(LIBPQ_LIBS)
unit_tests += tests/sim/stores_test
tests_sim_stores_test_SOURCES = tests/sim/stores_test.c $(sim_sources) $(sim_stores_sources)
tests_sim_stores_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_sim_stores_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
unit_tests += tests/sim/shadow_test
tests_sim_shadow_test_SOURCES = tests/sim/shadow_test.c $(sim_sqlite_sources) \
	$(sim_sources)
tests_sim_shadow_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
unit_tests += tests/sim/replicas_test
tests_sim_replicas_test_SOURCES = tests/sim/replicas_test.c $(sim_sources)
tests_sim_replicas_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
unit_tests += tests/sim/rebuild_test
tests_sim_rebuild_test_SOURCES = tests/sim/rebuild_test.c $(sim_sqlite_sources) \
	$(sim_sources)
tests_sim_rebuild_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
EXTRA_DIST += tests/sim/store_pg.c tests/sim/store_pg_none.c
EXTRA_DIST += tests/sim/README.md tests/sim/mutants.py tests/sim/mutants.tsv

sim-program: tests/sim/sim
.PHONY: sim-program
