# SPDX-License-Identifier: Apache-2.0
# A store of the host's own, the proof that it is one, and a program on it.
noinst_PROGRAMS += journal_run
journal_run_CPPFLAGS = $(program_cppflags)
journal_run_CFLAGS = $(ARC_CFLAGS)
journal_run_LDADD = libarcentra.la
journal_sources = examples/store/journal_store.c examples/store/journal_store.h \
	examples/store/journal_file.c examples/store/journal.h
journal_run_SOURCES = examples/store/main.c $(journal_sources)
unit_tests += examples/store/journal_suite
examples_store_journal_suite_CPPFLAGS = $(program_cppflags)
examples_store_journal_suite_CFLAGS = $(ARC_CFLAGS)
examples_store_journal_suite_LDADD = libarcentra-store-suite.la libarcentra.la
examples_store_journal_suite_SOURCES = examples/store/suite.c $(journal_sources)
