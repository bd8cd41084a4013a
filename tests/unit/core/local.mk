# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/core/clock_test \
	tests/unit/core/cron_test \
	tests/unit/core/decide_test \
	tests/unit/core/event_test \
	tests/unit/core/functions_test \
	tests/unit/core/finally_test \
	tests/unit/core/gate_test \
	tests/unit/core/group_test \
	tests/unit/core/cancel_test \
	tests/unit/core/keys_test \
	tests/unit/core/matrix_test \
	tests/unit/core/moves_test \
	tests/unit/core/rerun_test \
	tests/unit/core/expr_check_test \
	tests/unit/core/expr_docs_test \
	tests/unit/core/expr_eval_test \
	tests/unit/core/expr_parse_test \
	tests/unit/core/pattern_test \
	tests/unit/core/plan_test \
	tests/unit/core/property_test \
	tests/unit/core/resolve_test \
	tests/unit/core/result_test \
	tests/unit/core/retry_test \
	tests/unit/core/rules_test \
	tests/unit/core/states_test \
	tests/unit/core/template_test \
	tests/unit/core/value_test \
	tests/unit/core/waits_test \
	tests/unit/core/when_test
EXTRA_DIST += tests/golden/core

trial_sources = tests/unit/core/trial.c tests/unit/core/trial.h \
	tests/unit/core/watch.c tests/unit/core/watch.h
tests_unit_core_clock_test_SOURCES = tests/unit/core/clock_test.c $(trial_sources)
tests_unit_core_decide_test_SOURCES = tests/unit/core/decide_test.c $(trial_sources)
tests_unit_core_finally_test_SOURCES = tests/unit/core/finally_test.c $(trial_sources)
tests_unit_core_gate_test_SOURCES = tests/unit/core/gate_test.c $(trial_sources)
tests_unit_core_group_test_SOURCES = tests/unit/core/group_test.c $(trial_sources)
tests_unit_core_cancel_test_SOURCES = tests/unit/core/cancel_test.c $(trial_sources)
tests_unit_core_waits_test_SOURCES = tests/unit/core/waits_test.c $(trial_sources)
tests_unit_core_result_test_SOURCES = tests/unit/core/result_test.c $(trial_sources)
tests_unit_core_rules_test_SOURCES = tests/unit/core/rules_test.c $(trial_sources)
tests_unit_core_keys_test_SOURCES = tests/unit/core/keys_test.c $(trial_sources)
tests_unit_core_when_test_SOURCES = tests/unit/core/when_test.c $(trial_sources)
tests_unit_core_rerun_test_SOURCES = tests/unit/core/rerun_test.c $(trial_sources)
tests_unit_core_moves_test_SOURCES = tests/unit/core/moves_test.c $(trial_sources)
tests_unit_core_matrix_test_SOURCES = tests/unit/core/matrix_test.c $(trial_sources)
tests_unit_core_property_test_SOURCES = tests/unit/core/property_test.c $(trial_sources)
tests_unit_core_resolve_test_SOURCES = tests/unit/core/resolve_test.c $(trial_sources)

if WITH_CUNIT
# What tests in another language ask for values of expressions and matches of patterns.
check_PROGRAMS += tests/unit/core/terms
tests_unit_core_terms_SOURCES = tests/unit/core/terms.c tests/unit/core/world.c \
	tests/unit/core/world.h
tests_unit_core_terms_LDADD = libarc.la
dist_check_SCRIPTS += tests/unit/core/pattern_re_test.py tests/unit/core/expr_reference_test.py
TESTS += tests/unit/core/pattern_re_test.py tests/unit/core/expr_reference_test.py
EXTRA_DIST += tests/unit/core/expr_reference.py
endif
expr_sources = tests/unit/core/expr_trial.c tests/unit/core/expr_trial.h
tests_unit_core_expr_check_test_SOURCES = tests/unit/core/expr_check_test.c $(expr_sources)
tests_unit_core_expr_docs_test_SOURCES = tests/unit/core/expr_docs_test.c $(expr_sources)
tests_unit_core_expr_eval_test_SOURCES = tests/unit/core/expr_eval_test.c $(expr_sources)
tests_unit_core_expr_parse_test_SOURCES = tests/unit/core/expr_parse_test.c $(expr_sources)
tests_unit_core_template_test_SOURCES = tests/unit/core/template_test.c $(expr_sources)
