# SPDX-License-Identifier: Apache-2.0
# The suite that every store passes, as a static library of its own. It sees public headers alone.
lib_LTLIBRARIES += libarcentra-store-suite.la
libarcentra_store_suite_la_SOURCES = suite/cases.c suite/cases.h suite/lives.c suite/model.c \
	suite/model.h suite/suite.c suite/suite.h
libarcentra_store_suite_la_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	-I$(top_builddir)/include
libarcentra_store_suite_la_CFLAGS = $(ARC_CFLAGS)
libarcentra_store_suite_la_LDFLAGS = -static
pkgconfig_DATA += pkgconfig/arcentra-store-suite.pc
EXTRA_DIST += suite/README.md
