# SPDX-License-Identifier: Apache-2.0
# The simulator; tests/sim/README.md says what it is. `./dev sim` builds it for speed.
sim_sources = tests/sim/agent.c tests/sim/defs.c tests/sim/dice.h tests/sim/faults.def \
	tests/sim/goals.def tests/sim/invariants.def tests/sim/judge.c tests/sim/moves.c \
	tests/sim/moves.h tests/sim/overdue.c tests/sim/people.c tests/sim/server.c \
	tests/sim/shadow.c tests/sim/shadow.h tests/sim/shadow_event.c tests/sim/shadow_event.h \
	tests/sim/sim.c tests/sim/sim.h
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/main.c tests/sim/known.inc $(sim_sources)
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_sim_sim_LDADD = libarc.la
