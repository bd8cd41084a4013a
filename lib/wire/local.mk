# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
libarc_la_SOURCES += \
	lib/wire/bucket.c lib/wire/bucket.h \
	lib/wire/grpc.h lib/wire/grpc_priv.h \
	lib/wire/grpc_block.c \
	lib/wire/grpc_call.c \
	lib/wire/grpc_conn.c \
	lib/wire/grpc_door.c lib/wire/grpc_door.h \
	lib/wire/grpc_door_command.c \
	lib/wire/grpc_encoding.c \
	lib/wire/grpc_identity.c \
	lib/wire/grpc_meta.c lib/wire/grpc_meta.h \
	lib/wire/grpc_pool.c lib/wire/grpc_pool.h \
	lib/wire/grpc_router.c \
	lib/wire/grpc_time.c \
	lib/wire/lpm.c lib/wire/lpm.h \
	lib/wire/pack.c lib/wire/pack.h
endif
include lib/wire/doors.mk
