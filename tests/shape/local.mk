# SPDX-License-Identifier: Apache-2.0
# The contract.
EXTRA_DIST += tests/shape/wire/wire.tsv tests/shape/wire/wire-added.tsv
dist_check_SCRIPTS += tests/shape/wire_test.py tests/shape/buf_test.sh
TESTS += tests/shape/wire_test.py tests/shape/buf_test.sh
