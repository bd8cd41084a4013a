# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
net_host_sources = tests/unit/net/host.c tests/unit/net/host.h tests/unit/wire/pair.c \
	tests/unit/wire/pair.h
net_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/wire -I$(top_srcdir)/tests/unit/net
unit_tests += \
	tests/unit/net/door_ctl_test \
	tests/unit/net/grpc_channel_test \
	tests/unit/net/grpc_fair_test \
	tests/unit/net/grpc_identity_test \
	tests/unit/net/grpc_net_test \
	tests/unit/net/grpc_retry_test \
	tests/unit/net/grpc_tls_test \
	tests/unit/net/server_services_test
net_fleet_sources = tests/unit/net/fleet.c tests/unit/net/fleet.h $(net_host_sources)
tests_unit_net_grpc_channel_test_SOURCES = tests/unit/net/grpc_channel_test.c $(net_fleet_sources)
tests_unit_net_grpc_channel_test_CPPFLAGS = $(net_cppflags)
tests_unit_net_grpc_retry_test_SOURCES = tests/unit/net/grpc_retry_test.c $(net_fleet_sources)
tests_unit_net_grpc_retry_test_CPPFLAGS = $(net_cppflags)
tests_unit_net_grpc_fair_test_SOURCES = tests/unit/net/grpc_fair_test.c tests/unit/wire/frames.c \
	tests/unit/wire/frames.h $(net_host_sources)
tests_unit_net_grpc_fair_test_CPPFLAGS = $(net_cppflags)
tests_unit_net_grpc_net_test_SOURCES = tests/unit/net/grpc_net_test.c $(net_host_sources)
tests_unit_net_grpc_net_test_CPPFLAGS = $(net_cppflags)
tests_unit_net_grpc_tls_test_SOURCES = tests/unit/net/grpc_tls_test.c tests/unit/net/certs.c \
	tests/unit/net/certs.h $(net_host_sources)
tests_unit_net_grpc_tls_test_CPPFLAGS = $(net_cppflags)
tests_unit_net_grpc_identity_test_SOURCES = tests/unit/net/grpc_identity_test.c \
	tests/unit/net/certs.c tests/unit/net/certs.h $(net_host_sources)
tests_unit_net_grpc_identity_test_CPPFLAGS = $(net_cppflags)
if WITH_CUNIT
# The server that clients of others are tried against.
check_PROGRAMS += tests/unit/net/serve
tests_unit_net_serve_SOURCES = tests/unit/net/serve.c tests/unit/wire/pair.c tests/unit/wire/pair.h
tests_unit_net_serve_CPPFLAGS = $(net_cppflags)
# And the client for servers of others.
check_PROGRAMS += tests/unit/net/dial
tests_unit_net_dial_SOURCES = tests/unit/net/dial.c
dist_check_SCRIPTS += tests/unit/net/grpcio_test.py tests/unit/net/openssl_test.py
TESTS += tests/unit/net/grpcio_test.py tests/unit/net/openssl_test.py
endif
endif
