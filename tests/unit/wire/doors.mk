# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/wire/http_door_test \
	tests/unit/wire/http_query_test \
	tests/unit/wire/ws_door_test
tests_unit_wire_http_door_test_SOURCES = tests/unit/wire/http_door_test.c $(house_sources)
tests_unit_wire_ws_door_test_SOURCES = tests/unit/wire/ws_door_test.c $(house_sources)
