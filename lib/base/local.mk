# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	include/arcentra/base.h \
	lib/base/arena.c lib/base/arena.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/err.c lib/base/err.h \
	lib/base/glob.c lib/base/glob.h \
	lib/base/heap.c lib/base/heap.h \
	lib/base/json.c lib/base/json.h \
	lib/base/list.h \
	lib/base/map.c lib/base/map.h \
	lib/base/mem.c lib/base/mem.h \
	lib/base/options.c lib/base/options.h \
	lib/base/ranks.c lib/base/ranks.h \
	lib/base/sha256.c lib/base/sha256.h \
	lib/base/slice.c lib/base/slice.h \
	lib/base/status.def lib/base/status.h \
	lib/base/text.c lib/base/text.h \
	lib/base/time.c lib/base/time.h \
	lib/base/ulid.c lib/base/ulid.h
