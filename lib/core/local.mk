# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/core/plan.c lib/core/plan.h
