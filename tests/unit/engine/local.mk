# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/engine/acts_test \
	tests/unit/engine/rerun_test \
	tests/unit/engine/agents_test \
	tests/unit/engine/commit_test \
	tests/unit/engine/copy_test \
	tests/unit/engine/eventlog_test \
	tests/unit/engine/explain_life_test \
	tests/unit/engine/explain_test \
	tests/unit/engine/forecast_test \
	tests/unit/engine/groups_test \
	tests/unit/engine/homes_test \
	tests/unit/engine/intake_test \
	tests/unit/engine/kill_test \
	tests/unit/engine/life_test \
	tests/unit/engine/migrate_test \
	tests/unit/engine/pair_logs_test \
	tests/unit/engine/pair_test \
	tests/unit/engine/peers_test \
	tests/unit/engine/pipes_test \
	tests/unit/engine/place_test \
	tests/unit/engine/power_test \
	tests/unit/engine/prune_test \
	tests/unit/engine/recover_test \
	tests/unit/engine/retain_test \
	tests/unit/engine/rules_test \
	tests/unit/engine/torture_test \
	tests/unit/engine/watch_test

world_sources = tests/unit/engine/world.c tests/unit/engine/world.h
tests_unit_engine_rerun_test_SOURCES = tests/unit/engine/rerun_test.c $(world_sources)
tests_unit_engine_rules_test_SOURCES = tests/unit/engine/rules_test.c $(world_sources)
tests_unit_engine_acts_test_SOURCES = tests/unit/engine/acts_test.c $(world_sources)
tests_unit_engine_agents_test_SOURCES = tests/unit/engine/agents_test.c $(world_sources)
tests_unit_engine_commit_test_SOURCES = tests/unit/engine/commit_test.c $(world_sources)
tests_unit_engine_copy_test_SOURCES = tests/unit/engine/copy_test.c $(world_sources)
tests_unit_engine_explain_life_test_SOURCES = tests/unit/engine/explain_life_test.c \
	$(world_sources)
tests_unit_engine_explain_test_SOURCES = tests/unit/engine/explain_test.c $(world_sources)
tests_unit_engine_forecast_test_SOURCES = tests/unit/engine/forecast_test.c $(world_sources)
tests_unit_engine_eventlog_test_SOURCES = tests/unit/engine/eventlog_test.c $(world_sources)
tests_unit_engine_groups_test_SOURCES = tests/unit/engine/groups_test.c $(world_sources)
tests_unit_engine_intake_test_SOURCES = tests/unit/engine/intake_test.c $(world_sources)
pair_sources = tests/unit/engine/pair.h $(world_sources)
tests_unit_engine_pair_logs_test_SOURCES = tests/unit/engine/pair_logs_test.c $(pair_sources)
tests_unit_engine_pair_test_SOURCES = tests/unit/engine/pair_test.c $(pair_sources)
tests_unit_engine_homes_test_SOURCES = tests/unit/engine/homes_test.c $(pair_sources)
tests_unit_engine_peers_test_SOURCES = tests/unit/engine/peers_test.c $(pair_sources)
trace_sources = tests/soak/trace.c tests/soak/trace.h
tests_unit_engine_kill_test_SOURCES = tests/unit/engine/kill_test.c $(trace_sources) \
	$(world_sources)
tests_unit_engine_kill_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/soak
tests_unit_engine_life_test_SOURCES = tests/unit/engine/life_test.c $(world_sources)
tests_unit_engine_migrate_test_SOURCES = tests/unit/engine/migrate_test.c $(world_sources)
tests_unit_engine_pipes_test_SOURCES = tests/unit/engine/pipes_test.c $(world_sources)
tests_unit_engine_place_test_SOURCES = tests/unit/engine/place_test.c $(world_sources)
tests_unit_engine_prune_test_SOURCES = tests/unit/engine/prune_test.c $(world_sources)
tests_unit_engine_recover_test_SOURCES = tests/unit/engine/recover_test.c $(world_sources)
tests_unit_engine_retain_test_SOURCES = tests/unit/engine/retain_test.c $(world_sources)
tests_unit_engine_torture_test_SOURCES = tests/unit/engine/torture_test.c $(world_sources)
tests_unit_engine_watch_test_SOURCES = tests/unit/engine/watch_test.c $(world_sources)
tests_unit_engine_power_test_SOURCES = tests/unit/engine/power_test.c $(world_sources) \
	tests/unit/store/test_disk.c tests/unit/store/test_disk.h
tests_unit_engine_power_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/store

# The same cases on a server of PostgreSQL.
if WITH_POSTGRES
pg_engine_tests = \
	tests/unit/engine/pg_acts_test \
	tests/unit/engine/pg_pair_test \
	tests/unit/engine/pg_kill_test \
	tests/unit/engine/pg_recover_test \
	tests/unit/engine/pg_rules_test
unit_tests += $(pg_engine_tests)
endif
pg_world_sources = tests/unit/engine/pg_world.h $(world_sources) $(pg_server_sources)
tests_unit_engine_pg_acts_test_SOURCES = tests/unit/engine/pg_acts_test.c $(pg_world_sources)
tests_unit_engine_pg_acts_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
tests_unit_engine_pg_pair_test_SOURCES = tests/unit/engine/pg_pair_test.c tests/unit/engine/pair.h \
	$(pg_world_sources)
tests_unit_engine_pg_pair_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
tests_unit_engine_pg_kill_test_SOURCES = tests/unit/engine/pg_kill_test.c $(trace_sources) \
	$(pg_world_sources)
tests_unit_engine_pg_kill_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/soak
tests_unit_engine_pg_kill_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
tests_unit_engine_pg_recover_test_SOURCES = tests/unit/engine/pg_recover_test.c $(pg_world_sources)
tests_unit_engine_pg_recover_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
tests_unit_engine_pg_rules_test_SOURCES = tests/unit/engine/pg_rules_test.c $(pg_world_sources)
tests_unit_engine_pg_rules_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
