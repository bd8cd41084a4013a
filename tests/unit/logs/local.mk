# SPDX-License-Identifier: Apache-2.0
unit_tests += tests/unit/logs/logs_file_test tests/unit/logs/logs_mem_test \
	tests/unit/logs/logs_share_test tests/unit/logs/record_test

logs_contract_sources = tests/unit/logs/logs_contract.c tests/unit/logs/logs_contract.h
logs_files_sources = tests/unit/logs/logs_files.c tests/unit/logs/logs_files.h \
	tests/unit/logs/test_writes.c tests/unit/logs/test_writes.h $(logs_contract_sources)
tests_unit_logs_logs_file_test_SOURCES = tests/unit/logs/logs_file_test.c $(logs_files_sources)
tests_unit_logs_logs_share_test_SOURCES = tests/unit/logs/logs_share_test.c $(logs_files_sources)
tests_unit_logs_logs_mem_test_SOURCES = tests/unit/logs/logs_mem_test.c $(logs_contract_sources)
