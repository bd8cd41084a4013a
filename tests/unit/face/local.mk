# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/face/ctl_test \
	tests/unit/face/run_test \
	tests/unit/face/spec_test
EXTRA_DIST += tests/unit/face/face.h
