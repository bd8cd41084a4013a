# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/spec/golden_test
EXTRA_DIST += tests/golden/spec tests/unit/spec/help.h
