# SPDX-License-Identifier: Apache-2.0
if WITH_SERVER
bin_PROGRAMS += arcentra-agent
endif
arcentra_agent_CPPFLAGS = $(program_cppflags)
arcentra_agent_CFLAGS = $(ARC_CFLAGS)
arcentra_agent_LDADD = libprogram.la libarcentra.la
arcentra_agent_SOURCES = \
	examples/agent/agent.h \
	examples/agent/config.c \
	examples/agent/config.h \
	examples/agent/leases.c \
	examples/agent/main.c \
	examples/agent/push.c \
	examples/agent/report.c \
	examples/agent/session.c \
	examples/agent/spool.c \
	examples/agent/spool.h \
	examples/agent/state.c \
	examples/agent/steps.c \
	examples/agent/work.c
