# SPDX-License-Identifier: Apache-2.0
# The HTTP and WebSocket doors; they are there without gRPC as well.
libarc_la_SOURCES += \
	lib/wire/http_door.c lib/wire/http_door.h \
	lib/wire/http_query.c lib/wire/http_query.h \
	lib/wire/ws_door.c lib/wire/ws_door.h
