# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
unit_tests += \
	tests/unit/wire/bucket_test \
	tests/unit/wire/grpc_advisories_test \
	tests/unit/wire/grpc_again_test \
	tests/unit/wire/grpc_attack_test \
	tests/unit/wire/grpc_bounds_test \
	tests/unit/wire/grpc_conn_test \
	tests/unit/wire/grpc_door_test \
	tests/unit/wire/grpc_health_test \
	tests/unit/wire/grpc_identity_test \
	tests/unit/wire/grpc_index_test \
	tests/unit/wire/grpc_intercept_test \
	tests/unit/wire/grpc_limits_test \
	tests/unit/wire/grpc_meta_test \
	tests/unit/wire/grpc_pack_test \
	tests/unit/wire/grpc_pool_test \
	tests/unit/wire/grpc_protocol_test \
	tests/unit/wire/grpc_reentry_test \
	tests/unit/wire/grpc_reflection_test \
	tests/unit/wire/grpc_router_test \
	tests/unit/wire/grpc_slow_test \
	tests/unit/wire/grpc_watch_test \
	tests/unit/wire/lpm_test \
	tests/unit/wire/pack_test
wire_pair_sources = tests/unit/wire/pair.c tests/unit/wire/pair.h
wire_frame_sources = tests/unit/wire/frames.c tests/unit/wire/frames.h $(wire_pair_sources)
tests_unit_wire_grpc_again_test_SOURCES = tests/unit/wire/grpc_again_test.c $(wire_pair_sources)
tests_unit_wire_grpc_attack_test_SOURCES = tests/unit/wire/grpc_attack_test.c $(wire_frame_sources)
tests_unit_wire_grpc_watch_test_SOURCES = tests/unit/wire/grpc_watch_test.c $(wire_frame_sources)
tests_unit_wire_grpc_advisories_test_SOURCES = tests/unit/wire/grpc_advisories_test.c \
	$(wire_frame_sources)
tests_unit_wire_grpc_bounds_test_SOURCES = tests/unit/wire/grpc_bounds_test.c $(wire_frame_sources)
tests_unit_wire_grpc_slow_test_SOURCES = tests/unit/wire/grpc_slow_test.c $(wire_frame_sources)
tests_unit_wire_grpc_conn_test_SOURCES = tests/unit/wire/grpc_conn_test.c $(wire_pair_sources)
tests_unit_wire_grpc_pool_test_SOURCES = tests/unit/wire/grpc_pool_test.c $(wire_pair_sources)
tests_unit_wire_grpc_door_test_SOURCES = tests/unit/wire/grpc_door_test.c $(wire_pair_sources)
tests_unit_wire_grpc_reentry_test_SOURCES = tests/unit/wire/grpc_reentry_test.c $(wire_pair_sources)
tests_unit_wire_grpc_health_test_SOURCES = tests/unit/wire/grpc_health_test.c $(wire_pair_sources)
tests_unit_wire_grpc_intercept_test_SOURCES = tests/unit/wire/grpc_intercept_test.c \
	$(wire_pair_sources)
tests_unit_wire_grpc_reflection_test_SOURCES = tests/unit/wire/grpc_reflection_test.c \
	$(wire_pair_sources)
tests_unit_wire_grpc_router_test_SOURCES = tests/unit/wire/grpc_router_test.c $(wire_frame_sources)
tests_unit_wire_grpc_pack_test_SOURCES = tests/unit/wire/grpc_pack_test.c $(wire_frame_sources)
tests_unit_wire_grpc_identity_test_SOURCES = tests/unit/wire/grpc_identity_test.c \
	$(wire_pair_sources)
tests_unit_wire_grpc_limits_test_SOURCES = tests/unit/wire/grpc_limits_test.c $(wire_frame_sources)
tests_unit_wire_grpc_protocol_test_SOURCES = tests/unit/wire/grpc_protocol_test.c \
	$(wire_frame_sources)
endif
include tests/unit/wire/doors.mk
