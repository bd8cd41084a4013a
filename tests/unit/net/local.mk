# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
net_host_sources = tests/unit/net/host.c tests/unit/net/host.h tests/unit/wire/pair.c \
	tests/unit/wire/pair.h
net_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/wire -I$(top_srcdir)/tests/unit/net
unit_tests += \
	tests/unit/net/grpc_net_test
tests_unit_net_grpc_net_test_SOURCES = tests/unit/net/grpc_net_test.c $(net_host_sources)
tests_unit_net_grpc_net_test_CPPFLAGS = $(net_cppflags)
endif
