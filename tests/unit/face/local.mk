# SPDX-License-Identifier: Apache-2.0
unit_tests += \
	tests/unit/face/check_test \
	tests/unit/face/ctl_test \
	tests/unit/face/explain_test \
	tests/unit/face/own_store_test \
	tests/unit/face/plan_test \
	tests/unit/face/expr_test \
	tests/unit/face/run_test \
	tests/unit/face/runlog_test \
	tests/unit/face/seeds_test \
	tests/unit/face/store_test \
	tests/unit/face/torture_test \
	tests/unit/face/spec_test
if WITH_GRPC
unit_tests += tests/unit/face/grpc_channel_test
endif
EXTRA_DIST += tests/unit/face/face.h
if WITH_GRPC
unit_tests += tests/unit/face/grpc_server_test
tests_unit_face_grpc_server_test_SOURCES = tests/unit/face/grpc_server_test.c \
	tests/unit/net/certs.c tests/unit/net/certs.h
tests_unit_face_grpc_server_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/net
endif
if WITH_POSTGRES
unit_tests += tests/unit/face/pg_beside_test
endif
tests_unit_face_pg_beside_test_SOURCES = tests/unit/face/pg_beside_test.c $(pg_server_sources)
tests_unit_face_pg_beside_test_LDADD = $(LDADD) $(LIBPQ_LIBS)
