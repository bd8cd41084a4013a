# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/engine/agents.c \
	lib/engine/aside.c \
	lib/engine/asked.c lib/engine/asks.c \
	lib/engine/clean.c \
	lib/engine/cmd_agent.c \
	lib/engine/cmd_pipeline.c \
	lib/engine/cmd_control.c lib/engine/cmd_rerun.c lib/engine/cmd_run.c \
	lib/engine/copy.c lib/engine/copy.h \
	lib/engine/desk.c lib/engine/desk.h \
	lib/engine/cmd_step.c \
	lib/engine/engine.c lib/engine/engine.h lib/engine/engine_private.h \
	lib/engine/event_json.c lib/engine/event_json.h \
	lib/engine/explain.c lib/engine/explain.h lib/engine/explain_private.h \
	lib/engine/explain_limits.def \
	lib/engine/forecast.c \
	lib/engine/fsck.c lib/engine/fsck.h lib/engine/fsck_private.h lib/engine/fsck_run.c \
	lib/engine/groups.c \
	lib/engine/gone.c \
	lib/engine/homes.c \
	lib/engine/history.c lib/engine/history.h \
	lib/engine/lanes.c lib/engine/leases.c lib/engine/leases.h lib/engine/line.c \
	lib/engine/live.c \
	lib/engine/look.c lib/engine/look_print.c \
	lib/engine/load.c lib/engine/load.h \
	lib/engine/migrate.c lib/engine/migrate.h \
	lib/engine/logs.c \
	lib/engine/notices.c \
	lib/engine/persist.c \
	lib/engine/pipe_text.c lib/engine/pipe_text.h lib/engine/pipes.c \
	lib/engine/place.c \
	lib/engine/portable.h lib/engine/portable_in.c lib/engine/portable_out.c \
	lib/engine/project.c lib/engine/project.h \
	lib/engine/prune.c lib/engine/prune.h lib/engine/prune_private.h lib/engine/prune_run.c \
	lib/engine/prune_tool.c \
	lib/engine/publish.c \
	lib/engine/recover.c \
	lib/engine/replay.c lib/engine/replay.h \
	lib/engine/replicas.c \
	lib/engine/request.c \
	lib/engine/retain.c \
	lib/engine/scratch.c \
	lib/engine/survey.c lib/engine/survey.h \
	lib/engine/tokens.c \
	lib/engine/turn.c \
	lib/engine/walk.c lib/engine/walk.h
