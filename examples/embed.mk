# SPDX-License-Identifier: Apache-2.0
# Programs of one idea each. The tests build them once more against an installed tree.
noinst_PROGRAMS += embed_min embed_poll
embed_min_CPPFLAGS = $(program_cppflags)
embed_min_CFLAGS = $(ARC_CFLAGS)
embed_min_LDADD = libarcentra.la
embed_min_SOURCES = examples/embed_min.c
embed_poll_CPPFLAGS = $(program_cppflags)
embed_poll_CFLAGS = $(ARC_CFLAGS)
embed_poll_LDADD = libarcentra.la
embed_poll_SOURCES = examples/embed_poll.c
