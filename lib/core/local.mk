# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/core/decide.c lib/core/decide.h lib/core/decide_private.h \
	lib/core/decide_commands.c lib/core/decide_report.c lib/core/decide_time.c \
	lib/core/attempt.c lib/core/judge.c \
	lib/core/contexts.def \
	lib/core/cron.c lib/core/cron.h \
	lib/core/event.c lib/core/event.h \
	lib/core/expr.c lib/core/expr.h lib/core/expr_private.h \
	lib/core/expr_check.c \
	lib/core/expr_emit.c \
	lib/core/expr_eval.c \
	lib/core/expr_lex.c lib/core/expr_lex.h \
	lib/core/expr_names.c \
	lib/core/expr_ops.c \
	lib/core/expr_parse.c lib/core/expr_parse.h \
	lib/core/limits.def \
	lib/core/operators.def \
	lib/core/functions.c lib/core/functions.def lib/core/functions.h \
	lib/core/functions_list.c lib/core/functions_private.h \
	lib/core/functions_text.c lib/core/functions_value.c \
	lib/core/pattern.c lib/core/pattern.h \
	lib/core/pattern_dfa.c \
	lib/core/pattern_parse.c lib/core/pattern_private.h \
	lib/core/plan.c lib/core/plan.h \
	lib/core/gates.c lib/core/groups.c \
	lib/core/rerun.c lib/core/rerun.h \
	lib/core/resolve.c lib/core/resolve.h \
	lib/core/retry.c lib/core/retry.h \
	lib/core/run.c lib/core/run.h \
	lib/core/states.c lib/core/states.h \
	lib/core/template.c lib/core/template.h \
	lib/core/waits.c lib/core/waits.h \
	lib/core/why.c lib/core/why.h \
	lib/core/value.c lib/core/value.h lib/core/value_json.c
