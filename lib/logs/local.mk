# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/logs/file.c lib/logs/file.h lib/logs/file_private.h \
	lib/logs/lines.c lib/logs/lines.h \
	lib/logs/mem.c lib/logs/mem.h \
	lib/logs/record.c lib/logs/record.h lib/logs/recover.c
EXTRA_DIST += lib/logs/README.md
