# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/core/decide.c lib/core/decide.h lib/core/decide_private.h \
	lib/core/decide_commands.c \
	lib/core/contexts.def \
	lib/core/event.c lib/core/event.h \
	lib/core/expr.h \
	lib/core/functions.h \
	lib/core/pattern.h \
	lib/core/plan.c lib/core/plan.h \
	lib/core/gates.c \
	lib/core/resolve.c lib/core/resolve.h \
	lib/core/retry.c lib/core/retry.h \
	lib/core/run.c lib/core/run.h \
	lib/core/states.c lib/core/states.h \
	lib/core/template.h \
	lib/core/value.c lib/core/value.h lib/core/value_json.c
