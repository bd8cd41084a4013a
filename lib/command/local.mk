# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/command/agent.c \
	lib/command/agent.h \
	lib/command/approvals.c \
	lib/command/artifacts.c \
	lib/command/call.c \
	lib/command/call.h \
	lib/command/cancel.c \
	lib/command/command.c \
	lib/command/connect.c \
	lib/command/control.c \
	lib/command/decode.c \
	lib/command/definition.c \
	lib/command/definition.h \
	lib/command/feed.c \
	lib/command/feed.h \
	lib/command/follow.c \
	lib/command/follow.h \
	lib/command/gateway.c \
	lib/command/handlers.h \
	lib/command/history.c \
	lib/command/history.h \
	lib/command/http_call.c \
	lib/command/logs.c \
	lib/command/look.c \
	lib/command/method.c \
	lib/command/method.h \
	lib/command/methods.def \
	lib/command/op.c \
	lib/command/op.h \
	lib/command/pipeline.c \
	lib/command/pipeline.h \
	lib/command/pipeline_run.c \
	lib/command/pipeline_spec.c \
	lib/command/show.c \
	lib/command/show.h \
	lib/command/step_events.c \
	lib/command/step_writes.c \
	lib/command/steprun.c \
	lib/command/steprun.h \
	lib/command/stream.c \
	lib/command/stream_runs.c
EXTRA_DIST += lib/command/README.md
