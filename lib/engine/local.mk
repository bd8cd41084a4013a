# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/engine/agents.c \
	lib/engine/asks.c \
	lib/engine/clean.c \
	lib/engine/cmd_agent.c \
	lib/engine/cmd_pipeline.c \
	lib/engine/cmd_control.c lib/engine/cmd_rerun.c lib/engine/cmd_run.c \
	lib/engine/cmd_step.c \
	lib/engine/engine.c lib/engine/engine.h lib/engine/engine_private.h \
	lib/engine/event_json.c lib/engine/event_json.h \
	lib/engine/groups.c \
	lib/engine/lanes.c \
	lib/engine/live.c \
	lib/engine/load.c \
	lib/engine/logs.c \
	lib/engine/notices.c \
	lib/engine/persist.c \
	lib/engine/pipes.c \
	lib/engine/place.c \
	lib/engine/publish.c \
	lib/engine/recover.c \
	lib/engine/request.c \
	lib/engine/tokens.c \
	lib/engine/turn.c
