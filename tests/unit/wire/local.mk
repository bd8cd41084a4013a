# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
unit_tests += \
	tests/unit/wire/bucket_test \
	tests/unit/wire/grpc_advisories_test \
	tests/unit/wire/grpc_attack_test \
	tests/unit/wire/grpc_bounds_test \
	tests/unit/wire/grpc_conn_test \
	tests/unit/wire/grpc_door_test \
	tests/unit/wire/grpc_meta_test \
	tests/unit/wire/grpc_slow_test \
	tests/unit/wire/lpm_test
wire_pair_sources = tests/unit/wire/pair.c tests/unit/wire/pair.h
wire_attack_sources = tests/unit/wire/attack.c tests/unit/wire/attack.h $(wire_pair_sources)
tests_unit_wire_grpc_advisories_test_SOURCES = tests/unit/wire/grpc_advisories_test.c \
	$(wire_attack_sources)
tests_unit_wire_grpc_attack_test_SOURCES = tests/unit/wire/grpc_attack_test.c $(wire_attack_sources)
tests_unit_wire_grpc_bounds_test_SOURCES = tests/unit/wire/grpc_bounds_test.c $(wire_attack_sources)
tests_unit_wire_grpc_slow_test_SOURCES = tests/unit/wire/grpc_slow_test.c $(wire_attack_sources)
tests_unit_wire_grpc_conn_test_SOURCES = tests/unit/wire/grpc_conn_test.c $(wire_pair_sources)
tests_unit_wire_grpc_door_test_SOURCES = tests/unit/wire/grpc_door_test.c $(wire_pair_sources)
endif
include tests/unit/wire/doors.mk
