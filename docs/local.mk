# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	docs/ARCHITECTURE.md \
	docs/STATES.md \
	docs/TESTING.md \
	docs/decisions/000-template.md \
	docs/decisions/001-sha256-in-base.md \
	lib/README.md
# The page of each room.
EXTRA_DIST += $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/lib/*/README.md))
