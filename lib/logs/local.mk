# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/logs/file.c lib/logs/file.h lib/logs/file_private.h \
	lib/logs/file_recover.c \
	lib/logs/lines.c lib/logs/lines.h \
	lib/logs/mem.c lib/logs/mem.h \
	lib/logs/record.c lib/logs/record.h
EXTRA_DIST += lib/logs/README.md
