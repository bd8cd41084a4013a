# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/face/call.c \
	lib/face/ctl.c lib/face/ctl_private.h \
	lib/face/env.c lib/face/env.h \
	lib/face/event.c \
	lib/face/host.c \
	lib/face/http.c \
	lib/face/run.c \
	lib/face/spec.c lib/face/spec_private.h
if WITH_GRPC
libarc_la_SOURCES += lib/face/client.c lib/face/server.c
else
libarc_la_SOURCES += lib/face/no_grpc.c
endif
