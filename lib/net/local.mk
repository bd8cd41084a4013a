# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
libarc_la_SOURCES += \
	lib/net/addr.c lib/net/addr.h \
	lib/net/conn.c lib/net/conn.h \
	lib/net/env.h \
	lib/net/grpc_client.c lib/net/grpc_client.h \
	lib/net/grpc_line.c lib/net/grpc_line.h \
	lib/net/grpc_pipe.c lib/net/grpc_pipe.h \
	lib/net/grpc_retry.c lib/net/grpc_retry.h \
	lib/net/grpc_server.c lib/net/grpc_server.h \
	lib/net/listener.c lib/net/listener.h \
	lib/net/loop.c lib/net/loop.h \
	lib/net/tls.c lib/net/tls.h
endif
