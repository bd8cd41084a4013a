# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/store/store_backup_test \
	tests/unit/store/lists_test \
	tests/unit/store/mark_test \
	tests/unit/store/store_crash_test \
	tests/unit/store/store_damage_test \
	tests/unit/store/store_fault_test \
	tests/unit/store/store_full_test \
	tests/unit/store/store_mem_test \
	tests/unit/store/store_sqlite_test \
	tests/unit/store/tree_test

# The suite with them, as a host's program has it.
store_contract_sources = tests/unit/store/store_contract.c tests/unit/store/store_contract.h
store_contract_libs = libshim.la libarcentra-store-suite.la libarc.la
kill_files_sources = tests/unit/store/kill_files.c tests/unit/store/kill_files.h
store_files_sources = tests/unit/store/store_files.c tests/unit/store/store_files.h
tests_unit_store_lists_test_SOURCES = tests/unit/store/lists_test.c $(store_files_sources)
tests_unit_store_store_mem_test_SOURCES = tests/unit/store/store_mem_test.c \
	$(store_contract_sources)
tests_unit_store_store_mem_test_LDADD = $(store_contract_libs)
tests_unit_store_store_fault_test_SOURCES = tests/unit/store/store_fault_test.c \
	$(store_contract_sources)
tests_unit_store_store_fault_test_LDADD = $(store_contract_libs)
tests_unit_store_store_sqlite_test_SOURCES = tests/unit/store/store_sqlite_test.c \
	$(kill_files_sources) $(store_files_sources) $(store_contract_sources)
tests_unit_store_store_sqlite_test_LDADD = $(store_contract_libs)
tests_unit_store_store_crash_test_SOURCES = tests/unit/store/store_crash_test.c \
	tests/unit/store/test_disk.c tests/unit/store/test_disk.h $(store_files_sources)
tests_unit_store_mark_test_SOURCES = tests/unit/store/mark_test.c \
	tests/unit/store/test_disk.c tests/unit/store/test_disk.h
tests_unit_store_store_full_test_SOURCES = tests/unit/store/store_full_test.c \
	tests/unit/store/test_disk.c tests/unit/store/test_disk.h $(store_files_sources)
tests_unit_store_store_damage_test_SOURCES = tests/unit/store/store_damage_test.c \
	$(store_files_sources)
tests_unit_store_store_backup_test_SOURCES = tests/unit/store/store_backup_test.c \
	$(store_files_sources)

if WITH_POSTGRES
unit_tests += \
	tests/unit/store/lists_pg_test \
	tests/unit/store/pg_plan_test \
	tests/unit/store/store_pg_fault_test \
	tests/unit/store/store_pg_full_test \
	tests/unit/store/store_pg_plain_test \
	tests/unit/store/store_pg_test
endif
pg_server_sources = tests/unit/store/pg_server.c tests/unit/store/pg_server.h
tests_unit_store_lists_pg_test_SOURCES = tests/unit/store/lists_pg_test.c $(pg_server_sources) \
	$(store_contract_sources)
tests_unit_store_lists_pg_test_LDADD = $(store_contract_libs) $(LIBPQ_LIBS)
tests_unit_store_store_pg_test_SOURCES = tests/unit/store/store_pg_test.c $(pg_server_sources) \
	$(store_contract_sources)
tests_unit_store_store_pg_test_LDADD = $(store_contract_libs) $(LIBPQ_LIBS)
tests_unit_store_store_pg_plain_test_SOURCES = tests/unit/store/store_pg_plain_test.c \
	$(pg_server_sources) $(store_contract_sources)
tests_unit_store_store_pg_plain_test_LDADD = $(store_contract_libs) $(LIBPQ_LIBS)
tests_unit_store_store_pg_full_test_SOURCES = tests/unit/store/store_pg_full_test.c \
	$(pg_server_sources)
tests_unit_store_store_pg_full_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
tests_unit_store_store_pg_fault_test_SOURCES = tests/unit/store/store_pg_fault_test.c \
	tests/unit/store/pg_proxy.c tests/unit/store/pg_proxy.h $(pg_server_sources) \
	$(store_contract_sources)
tests_unit_store_store_pg_fault_test_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS)
tests_unit_store_store_pg_fault_test_LDADD = $(store_contract_libs) $(LIBPQ_LIBS)
tests_unit_store_store_pg_fault_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=PQflush
