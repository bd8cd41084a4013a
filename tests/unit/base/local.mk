# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/base/arena_test \
	tests/unit/base/buf_test \
	tests/unit/base/err_test \
	tests/unit/base/glob_test \
	tests/unit/base/heap_test \
	tests/unit/base/json_test \
	tests/unit/base/list_test \
	tests/unit/base/map_test \
	tests/unit/base/mem_test \
	tests/unit/base/ranks_test \
	tests/unit/base/sha256_test \
	tests/unit/base/slice_test \
	tests/unit/base/text_test \
	tests/unit/base/time_test \
	tests/unit/base/ulid_test
