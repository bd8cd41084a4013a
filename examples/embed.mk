# SPDX-License-Identifier: Apache-2.0
# Programs of one idea each. The tests build them once more against an installed tree.
noinst_PROGRAMS += embed_check embed_min embed_poll
embed_check_CPPFLAGS = $(program_cppflags)
embed_check_CFLAGS = $(ARC_CFLAGS)
embed_check_LDADD = libarcentra.la
embed_check_SOURCES = examples/embed_check.c
embed_min_CPPFLAGS = $(program_cppflags)
embed_min_CFLAGS = $(ARC_CFLAGS)
embed_min_LDADD = libarcentra.la
embed_min_SOURCES = examples/embed_min.c
embed_poll_CPPFLAGS = $(program_cppflags)
embed_poll_CFLAGS = $(ARC_CFLAGS)
embed_poll_LDADD = libarcentra.la
embed_poll_SOURCES = examples/embed_poll.c
if WITH_GRPC
noinst_PROGRAMS += grpc_server grpc_client
grpc_server_CPPFLAGS = $(program_cppflags)
grpc_server_CFLAGS = $(ARC_CFLAGS)
grpc_server_LDADD = libarcentra.la
grpc_server_SOURCES = examples/grpc_server.c
grpc_client_CPPFLAGS = $(program_cppflags)
grpc_client_CFLAGS = $(ARC_CFLAGS)
grpc_client_LDADD = libarcentra.la
grpc_client_SOURCES = examples/grpc_client.c
endif
