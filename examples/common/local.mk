# SPDX-License-Identifier: Apache-2.0
# What arcentra and arcentra-agent share. Only public headers are in reach here.
if WITH_PROGRAMS
noinst_LTLIBRARIES += libprogram.la
endif
program_cppflags = -D_GNU_SOURCE -I$(top_srcdir)/include -I$(top_builddir)/include \
	-I$(top_srcdir)/examples
libprogram_la_CPPFLAGS = $(program_cppflags)
libprogram_la_CFLAGS = $(ARC_CFLAGS) $(YAJL_CFLAGS)
libprogram_la_LIBADD = $(YAJL_LIBS)
libprogram_la_SOURCES = \
	examples/common/args.c \
	examples/common/args.h \
	examples/common/clock.c \
	examples/common/clock.h \
	examples/common/diff.c \
	examples/common/diff.h \
	examples/common/duration.c \
	examples/common/duration.h \
	examples/common/ignore.h \
	examples/common/json.c \
	examples/common/json.h \
	examples/common/keeper.c \
	examples/common/keeper.h \
	examples/common/lines.c \
	examples/common/lines.h \
	examples/common/log.c \
	examples/common/log.h \
	examples/common/mem.c \
	examples/common/mem.h \
	examples/common/outputs.c \
	examples/common/outputs.h \
	examples/common/proc.c \
	examples/common/proc.h \
	examples/common/shell.c \
	examples/common/shell.h \
	examples/common/templates.c \
	examples/common/templates.h \
	examples/common/text.c \
	examples/common/text.h \
	examples/common/tree.c \
	examples/common/tree.h
