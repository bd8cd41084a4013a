# SPDX-License-Identifier: Apache-2.0
# The demo: a script, and the program that shows what the WebSocket says.
if WITH_SERVER
noinst_PROGRAMS += examples/demo/watch
endif
examples_demo_watch_CPPFLAGS = $(program_cppflags)
examples_demo_watch_CFLAGS = $(ARC_CFLAGS) $(LWS_CFLAGS)
examples_demo_watch_LDFLAGS = $(AM_LDFLAGS)
examples_demo_watch_LDADD = libprogram.la libarcentra.la $(LWS_LIBS)
examples_demo_watch_SOURCES = examples/demo/watch.c
EXTRA_DIST += examples/demo/demo.sh examples/demo/README.md
