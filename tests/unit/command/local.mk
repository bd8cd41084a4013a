# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/command/agent_test \
	tests/unit/command/beside_test \
	tests/unit/command/call_test \
	tests/unit/command/follow_test \
	tests/unit/command/history_test \
	tests/unit/command/method_test \
	tests/unit/command/rules_test
house_sources = tests/unit/command/house.c tests/unit/command/house.h
tests_unit_command_agent_test_SOURCES = tests/unit/command/agent_test.c $(house_sources)
tests_unit_command_beside_test_SOURCES = tests/unit/command/beside_test.c $(house_sources) \
	$(pair_sources)
tests_unit_command_call_test_SOURCES = tests/unit/command/call_test.c $(house_sources)
tests_unit_command_follow_test_SOURCES = tests/unit/command/follow_test.c $(house_sources)
tests_unit_command_method_test_SOURCES = tests/unit/command/method_test.c $(house_sources)
tests_unit_command_rules_test_SOURCES = tests/unit/command/rules_test.c $(house_sources)
tests_unit_command_history_test_SOURCES = tests/unit/command/history_test.c $(house_sources)
