# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/spec/assist_test \
	tests/unit/spec/diag_forms_test \
	tests/unit/spec/diag_test \
	tests/unit/spec/docs_test \
	tests/unit/spec/golden_test \
	tests/unit/spec/include_test \
	tests/unit/spec/json_peer_test \
	tests/unit/spec/plan_hash_test \
	tests/unit/spec/plan_matrix_test \
	tests/unit/spec/plan_print_test \
	tests/unit/spec/plan_property_test \
	tests/unit/spec/hostile_test \
	tests/unit/spec/plan_test \
	tests/unit/spec/plan_text_test \
	tests/unit/spec/roundtrip_test \
	tests/unit/spec/rules_test \
	tests/unit/spec/scope_test \
	tests/unit/spec/spec_test \
	tests/unit/spec/suite_test \
	tests/unit/spec/tree_test
# The peer of our reader of JSON.
tests_unit_spec_json_peer_test_CFLAGS = $(AM_CFLAGS) $(YAJL_CFLAGS)
tests_unit_spec_json_peer_test_LDADD = $(LDADD) $(YAJL_LIBS)
EXTRA_DIST += tests/data tests/golden/plan tests/golden/spec tests/unit/spec/help.h
