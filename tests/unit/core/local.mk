# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/core/clock_test \
	tests/unit/core/cron_test \
	tests/unit/core/decide_test \
	tests/unit/core/event_test \
	tests/unit/core/pattern_test \
	tests/unit/core/plan_test \
	tests/unit/core/property_test \
	tests/unit/core/retry_test \
	tests/unit/core/states_test \
	tests/unit/core/value_test
EXTRA_DIST += tests/golden/core

trial_sources = tests/unit/core/trial.c tests/unit/core/trial.h \
	tests/unit/core/watch.c tests/unit/core/watch.h
tests_unit_core_clock_test_SOURCES = tests/unit/core/clock_test.c $(trial_sources)
tests_unit_core_decide_test_SOURCES = tests/unit/core/decide_test.c $(trial_sources)
tests_unit_core_property_test_SOURCES = tests/unit/core/property_test.c $(trial_sources)
