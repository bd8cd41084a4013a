# SPDX-License-Identifier: Apache-2.0
if WITH_GRPC
libarc_la_SOURCES += \
	lib/wire/bucket.c lib/wire/bucket.h \
	lib/wire/grpc.h lib/wire/grpc_priv.h \
	lib/wire/grpc_again.c \
	lib/wire/grpc_block.c \
	lib/wire/grpc_call.c \
	lib/wire/grpc_conn.c \
	lib/wire/grpc_door.c lib/wire/grpc_door.h \
	lib/wire/grpc_door_command.c \
	lib/wire/grpc_encoding.c \
	lib/wire/grpc_identity.c \
	lib/wire/grpc_health.c \
	lib/wire/grpc_index.c lib/wire/grpc_index.h \
	lib/wire/grpc_intercept.c \
	lib/wire/grpc_meta.c lib/wire/grpc_meta.h \
	lib/wire/grpc_pool.c lib/wire/grpc_pool.h \
	lib/wire/grpc_reflection.c \
	lib/wire/grpc_router.c lib/wire/grpc_services.h \
	lib/wire/grpc_time.c \
	lib/wire/grpc_watch.c \
	lib/wire/lpm.c lib/wire/lpm.h \
	lib/wire/pack.c lib/wire/pack.h \
	lib/wire/pb.c lib/wire/pb.h
nodist_libarc_la_SOURCES += gen/service_files.c
CLEANFILES += gen/service_files.c
gen/service_files.c: $(wire_protos) lib/wire/embed.py
	$(AM_V_GEN)$(MKDIR_P) gen && \
	  $(PYTHON) $(srcdir)/lib/wire/embed.py $(PROTOC) arc__grpc_service_files \
	    wire/grpc_services.h $(srcdir)/lib/wire/proto -- \
	    $(wire_protos:lib/wire/proto/%=%) $(wire_proto_again) > $@.tmp && mv $@.tmp $@
endif
# What health and reflection say of themselves; not part of the contract in api/.
wire_protos = \
	lib/wire/proto/grpc/health/v1/health.proto \
	lib/wire/proto/grpc/reflection/v1/reflection.proto
# The second is the first in another package.
wire_proto_again = grpc/reflection/v1alpha/reflection.proto=grpc/reflection/v1/reflection.proto
EXTRA_DIST += $(wire_protos) lib/wire/embed.py
include lib/wire/doors.mk
