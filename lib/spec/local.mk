# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += docs/DIAGNOSTICS.md docs/LANGUAGE.md
libarc_la_SOURCES += \
	lib/spec/assist.c lib/spec/assist.h lib/spec/assist_private.h \
	lib/spec/assist_complete.c \
	lib/spec/assist_show.c \
	lib/spec/canonical.c \
	lib/spec/comments.c \
	lib/spec/diag.c lib/spec/diag.h \
	lib/spec/diag_forms.c \
	lib/spec/diag_print.c \
	lib/spec/diags.def \
	lib/spec/fields.c lib/spec/fields.def lib/spec/fields.h \
	lib/spec/foreign.c lib/spec/foreign.def \
	lib/spec/format.c \
	lib/spec/hints.c lib/spec/hints.h \
	lib/spec/include.c lib/spec/include.h \
	lib/spec/json.c \
	lib/spec/json_help.c lib/spec/json_help.h \
	lib/spec/limits.def \
	lib/spec/model.c lib/spec/model.h \
	lib/spec/node.c lib/spec/node.h \
	lib/spec/object.c \
	lib/spec/outline.c lib/spec/outline.h \
	lib/spec/params.c \
	lib/spec/places.c \
	lib/spec/plan_build.c \
	lib/spec/plan_graph.c \
	lib/spec/plan_hash.c \
	lib/spec/plan_json.c \
	lib/spec/plan_load.c \
	lib/spec/plan_matrix.c \
	lib/spec/plan_part.c \
	lib/spec/plan_print.c lib/spec/plan_print.h \
	lib/spec/plan_private.h \
	lib/spec/plan_step.c \
	lib/spec/plan_text.c \
	lib/spec/plan_when.c lib/spec/plan_where.c \
	lib/spec/plan_words.h \
	lib/spec/print.h \
	lib/spec/print_yaml.c \
	lib/spec/rules.c lib/spec/rules.h \
	lib/spec/rules_block.c \
	lib/spec/rules_group.c \
	lib/spec/rules_matrix.c \
	lib/spec/rules_plain.c \
	lib/spec/rules_select.c \
	lib/spec/rules_trigger.c \
	lib/spec/scalar.c \
	lib/spec/schema.c \
	lib/spec/scope.c lib/spec/scope.h \
	lib/spec/scope_names.c \
	lib/spec/shape.c lib/spec/shape.h \
	lib/spec/spec.c lib/spec/spec.h \
	lib/spec/tree.c lib/spec/tree.h \
	lib/spec/values.c \
	lib/spec/yaml.c \
	lib/spec/yaml_slips.c lib/spec/yaml_help.c lib/spec/yaml_help.h \
	lib/spec/zones.c lib/spec/zones.def
