# SPDX-License-Identifier: Apache-2.0
# The contract.
EXTRA_DIST += tests/shape/wire/wire.tsv tests/shape/wire/wire-added.tsv
dist_check_SCRIPTS += tests/shape/wire_test.py tests/shape/buf_test.sh
shape_tests += tests/shape/wire_test.py tests/shape/buf_test.sh
shape_tests += \
	tests/shape/layers_test.py \
	tests/shape/tidy_test.py \
	tests/shape/dev_test.py \
	tests/shape/hardening_test.py \
	tests/shape/rules_test.py \
	tests/shape/format_test.py \
	tests/shape/grpc_page_test.py \
	tests/shape/libpq_test.py \
	tests/shape/schema_test.py \
	tests/shape/headers_test.py \
	tests/shape/exports_test.py
installed_tests += tests/shape/install_test.py tests/shape/suite_test.py
smoke_tests += tests/shape/headers_test.py tests/shape/exports_test.py
EXTRA_DIST += $(shape_tests) $(installed_tests) tests/shape/shape.py
