# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/codec/json_test \
	tests/unit/codec/pb_decode_test \
	tests/unit/codec/pb_test
if WITH_GRPC
unit_tests += tests/unit/codec/unpack_test
endif
tests_unit_codec_json_test_SOURCES = tests/unit/codec/json_test.c tests/unit/codec/random_message.h
tests_unit_codec_pb_decode_test_SOURCES = tests/unit/codec/pb_decode_test.c \
	tests/unit/codec/random_message.h
