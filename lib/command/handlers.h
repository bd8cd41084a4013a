/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that methods.def names, one declaration each; they live in the services' files. */
#ifndef ARC_COMMAND_HANDLERS_H
#define ARC_COMMAND_HANDLERS_H

#include "command/op.h"

#define ARC_NO_HANDLER NULL

extern const struct arc_handler arc__agent_heartbeat, arc__agent_register, arc__agent_unregister,
    arc__agent_report, arc__agent_connect, arc__agent_cancel_step, arc__agent_cancel_job;
extern const struct arc_handler arc__gateway_logs, arc__gateway_events;
extern const struct arc_handler arc__pipeline_create, arc__pipeline_update, arc__pipeline_get,
    arc__pipeline_list, arc__pipeline_delete, arc__pipeline_trigger, arc__pipeline_stop,
    arc__pipeline_pause, arc__pipeline_resume, arc__pipeline_run_get, arc__pipeline_run_list,
    arc__pipeline_spec_get, arc__pipeline_spec_validate, arc__pipeline_spec_save;
extern const struct arc_handler arc__steprun_get, arc__steprun_list, arc__steprun_cancel,
    arc__steprun_retry, arc__steprun_create, arc__steprun_update, arc__steprun_delete,
    arc__steprun_artifacts;
extern const struct arc_handler arc__stream_steps, arc__stream_runs;
extern const struct arc_handler arc__control_jobs, arc__control_registration_token,
    arc__control_api_token, arc__control_validate, arc__control_log_stream,
    arc__control_event_stream, arc__control_logs, arc__control_agents, arc__control_approvals,
    arc__control_approve, arc__control_reject, arc__control_rerun, arc__control_explain,
    arc__control_what_if, arc__control_show_run, arc__control_run_events;

#endif
