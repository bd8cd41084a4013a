# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/face/ctl_test \
	tests/unit/face/run_test \
	tests/unit/face/spec_test
if WITH_GRPC
unit_tests += tests/unit/face/grpc_channel_test
endif
EXTRA_DIST += tests/unit/face/face.h
