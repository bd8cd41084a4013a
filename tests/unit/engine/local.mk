# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/engine/commit_test \
	tests/unit/engine/life_test

world_sources = tests/unit/engine/world.c tests/unit/engine/world.h
tests_unit_engine_commit_test_SOURCES = tests/unit/engine/commit_test.c $(world_sources)
tests_unit_engine_life_test_SOURCES = tests/unit/engine/life_test.c $(world_sources)
