# SPDX-License-Identifier: Apache-2.0
if WITH_PROGRAMS
bin_PROGRAMS += arcentra
endif
arcentra_CPPFLAGS = $(program_cppflags)
arcentra_CFLAGS = $(ARC_CFLAGS)
arcentra_LDADD = libprogram.la libarcentra.la
arcentra_SOURCES = \
	examples/cli/cli.h \
	examples/cli/control.c \
	examples/cli/convert.c \
	examples/cli/draw.c \
	examples/cli/draw.h \
	examples/cli/eval.c \
	examples/cli/explain.c \
	examples/cli/eventlog.c \
	examples/cli/eventlog.h \
	examples/cli/fmt.c \
	examples/cli/follow.c \
	examples/cli/follow.h \
	examples/cli/gates.c \
	examples/cli/gates.h \
	examples/cli/local.c \
	examples/cli/local.h \
	examples/cli/logs.c \
	examples/cli/logs.h \
	examples/cli/lsp.c \
	examples/cli/main.c \
	examples/cli/pipelines.c \
	examples/cli/plan.c \
	examples/cli/remote.c \
	examples/cli/remote.h \
	examples/cli/run.c \
	examples/cli/runs.c \
	examples/cli/schema.c \
	examples/cli/sim.c \
	examples/cli/sim.h \
	examples/cli/sim_agent.c \
	examples/cli/sim_kinds.c \
	examples/cli/sim_life.c \
	examples/cli/show.c \
	examples/cli/store.c \
	examples/cli/store.h \
	examples/cli/store_save.c \
	examples/cli/term.c \
	examples/cli/term.h \
	examples/cli/validate.c \
	examples/cli/view.c \
	examples/cli/view.h
