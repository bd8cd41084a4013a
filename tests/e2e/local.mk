# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: real processes that speak over real sockets.
EXTRA_DIST += tests/e2e/harness.py tests/e2e/reaper.py tests/e2e/cluster.py \
	tests/e2e/stores.py
dist_check_SCRIPTS += tests/e2e/e2e_test.py tests/e2e/grpcio_e2e_test.py tests/e2e/http_test.py \
	tests/e2e/grpc_example_test.py tests/e2e/pipelines_test.py tests/e2e/eventlog_test.py \
	tests/e2e/store_test.py tests/e2e/backup_test.py tests/e2e/postgres_test.py \
	tests/e2e/replicas_test.py tests/e2e/harness_test.py
e2e_tests += tests/e2e/harness_test.py
if WITH_PROGRAMS
e2e_tests += tests/e2e/pipelines_test.py
endif
if WITH_GRPC
e2e_tests += tests/e2e/grpc_example_test.py
endif
if WITH_SERVER
e2e_tests += tests/e2e/http_test.py tests/e2e/e2e_test.py tests/e2e/grpcio_e2e_test.py \
	tests/e2e/eventlog_test.py tests/e2e/store_test.py tests/e2e/backup_test.py
if WITH_POSTGRES
e2e_tests += tests/e2e/postgres_test.py tests/e2e/replicas_test.py
endif
endif
