--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t_agent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_agent (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    labels text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    os text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    arch text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    agent_version text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ip text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    max_concurrent bigint DEFAULT 0 NOT NULL,
    protocol_level bigint DEFAULT 0 NOT NULL,
    incarnation text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    token_hash text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    approved bigint DEFAULT 0 NOT NULL,
    enabled bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at_ns bigint DEFAULT 0 NOT NULL,
    last_seen_ns bigint DEFAULT 0 NOT NULL,
    unregistered_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_agent_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_agent_event (
    agent_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    event_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    type text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    step_run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    digest text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    payload text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    tombstone text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    time_ns bigint DEFAULT 0 NOT NULL,
    received_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_commit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_commit (
    session bigint NOT NULL,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL
)
WITH (fillfactor='20');


--
-- Name: t_counter; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_counter (
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    value bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_definition; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_definition (
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    sha text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    format bigint DEFAULT 0 NOT NULL,
    text text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    canonical text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    editor text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    message text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_event (
    stream text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    seq bigint DEFAULT 0 NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    type text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    time_ns bigint DEFAULT 0 NOT NULL,
    body text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: t_job_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_job_run (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    job_index bigint DEFAULT 0 NOT NULL,
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    stage text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    status bigint DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attempt bigint DEFAULT 0 NOT NULL,
    agent_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    continue_on_error bigint DEFAULT 0 NOT NULL,
    total_steps bigint DEFAULT 0 NOT NULL,
    depends_on text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at_ns bigint DEFAULT 0 NOT NULL,
    queued_at_ns bigint DEFAULT 0 NOT NULL,
    started_at_ns bigint DEFAULT 0 NOT NULL,
    ended_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_outbox (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    about text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    result text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    plugin text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    action text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    params text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    fault text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_pipeline; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_pipeline (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    description text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    repo_url text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    default_branch text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_file_path text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    save_mode bigint DEFAULT 0 NOT NULL,
    pr_target_branch text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    metadata text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_by text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    last_editor text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    is_enabled bigint DEFAULT 0 NOT NULL,
    status bigint DEFAULT 0 NOT NULL,
    total_runs bigint DEFAULT 0 NOT NULL,
    success_runs bigint DEFAULT 0 NOT NULL,
    failed_runs bigint DEFAULT 0 NOT NULL,
    definition_sha text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    version bigint DEFAULT 0 NOT NULL,
    created_at_ns bigint DEFAULT 0 NOT NULL,
    updated_at_ns bigint DEFAULT 0 NOT NULL,
    deleted_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_pipeline_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_pipeline_run (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    namespace text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    number bigint DEFAULT 0 NOT NULL,
    status bigint DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    trigger_type bigint DEFAULT 0 NOT NULL,
    triggered_by text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    branch text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ref text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    definition_sha text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    variables text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    plan_hash text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    total_jobs bigint DEFAULT 0 NOT NULL,
    completed_jobs bigint DEFAULT 0 NOT NULL,
    failed_jobs bigint DEFAULT 0 NOT NULL,
    running_jobs bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at_ns bigint DEFAULT 0 NOT NULL,
    started_at_ns bigint DEFAULT 0 NOT NULL,
    ended_at_ns bigint DEFAULT 0 NOT NULL,
    rerun_of text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attempt bigint DEFAULT 0 NOT NULL,
    priority bigint DEFAULT 0 NOT NULL,
    held bigint DEFAULT 0 NOT NULL,
    held_why text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: t_pruned; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_pruned (
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    total bigint DEFAULT 0 NOT NULL,
    success bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    newest bigint DEFAULT 0 NOT NULL,
    status bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    updated_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_request_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_request_key (
    scope text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    request_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    digest text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    result text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_step_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_step_run (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    job_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    job_name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    job_index bigint DEFAULT 0 NOT NULL,
    job_attempt bigint DEFAULT 0 NOT NULL,
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    step_index bigint DEFAULT 0 NOT NULL,
    uses text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    action text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    args text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    env text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    timeout text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    "when" text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    continue_on_error bigint DEFAULT 0 NOT NULL,
    status bigint DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attempt bigint DEFAULT 0 NOT NULL,
    agent_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    fence bigint DEFAULT 0 NOT NULL,
    exit_code bigint DEFAULT 0 NOT NULL,
    error_message text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    metrics text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    outputs text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    log_lines bigint DEFAULT 0 NOT NULL,
    created_at_ns bigint DEFAULT 0 NOT NULL,
    started_at_ns bigint DEFAULT 0 NOT NULL,
    ended_at_ns bigint DEFAULT 0 NOT NULL,
    deleted_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_step_run_artifact; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_step_run_artifact (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    step_run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    run_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    pipeline_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    job_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    attempt bigint DEFAULT 0 NOT NULL,
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    path text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    size bigint DEFAULT 0 NOT NULL,
    digest text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at_ns bigint DEFAULT 0 NOT NULL,
    expire_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Name: t_store; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_store (
    name text NOT NULL,
    value bigint NOT NULL
);


--
-- Name: t_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t_token (
    id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    kind bigint DEFAULT 0 NOT NULL,
    hash text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    scopes text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    max_uses bigint DEFAULT 0 NOT NULL,
    uses bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    created_at_ns bigint DEFAULT 0 NOT NULL,
    expires_at_ns bigint DEFAULT 0 NOT NULL,
    revoked_at_ns bigint DEFAULT 0 NOT NULL
);


--
-- Data for Name: t_agent; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_agent VALUES ('01M81RW5MXV57Z4SEACCP320WG', 'agent-1', '{}', 'linux', 'amd64', '0.1.0', '127.0.0.1', 2, 1, 'af18c7f082e35dee97352cb97527ae7b', 'a9c86a9134167f787194595f8ffe93e1bac612a130a9c25d20aa242d8da1f045', 1, 1, 2, 1795355973277675531, 1795355973277675531, 0);


--
-- Data for Name: t_agent_event; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: t_commit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_commit VALUES (143956032733856949, 1, 23, '2026-11-22 13:59:33.924729+00');


--
-- Data for Name: t_counter; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_counter VALUES ('schema', 1);
INSERT INTO public.t_counter VALUES ('fence', 6);


--
-- Data for Name: t_definition; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_definition VALUES ('01M81RW5EZYP3CKDZ4D775XXXE', 'aa49664416dfd80f156ab948742029499f700cf13ec286933215a581b101dbbe', 1, '{"namespace": "earlier", "jobs": [{"name": "build", "steps": [{"name": "one", "run": "echo one"}, {"name": "two", "run": "echo two"}]}, {"name": "last", "dependsOn": ["build"], "steps": [{"name": "say", "run": "echo last"}]}]}', '{"namespace":"earlier","jobs":[{"name":"build","steps":[{"name":"one","run":"echo one"},{"name":"two","run":"echo two"}]},{"name":"last","dependsOn":["build"],"steps":[{"name":"say","run":"echo last"}]}]}', 'admin', '', 1795355973087185046);
INSERT INTO public.t_definition VALUES ('01M81RW5WPNJ1849T9CWE3BJK2', 'bbecd665e44349de74a1c1561442cc50cd380fb5618a92af8fafbeea1b47df68', 1, '{"namespace": "earlier", "jobs": [{"name": "build", "steps": [{"name": "one", "run": "exit 3"}]}, {"name": "never", "dependsOn": ["build"], "steps": [{"name": "say", "run": "echo never"}]}]}', '{"namespace":"earlier","jobs":[{"name":"build","steps":[{"name":"one","run":"exit 3"}]},{"name":"never","dependsOn":["build"],"steps":[{"name":"say","run":"echo never"}]}]}', 'admin', '', 1795355973526997575);
INSERT INTO public.t_definition VALUES ('01M81RW5ZVSNBA5HP6NQHXV4YH', 'b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f', 1, '{"namespace": "earlier", "jobs": [{"name": "near", "steps": [{"name": "say", "run": "echo near"}]}, {"name": "far", "dependsOn": ["near"], "agentSelector": {"matchLabels": {"place": "moon"}}, "steps": [{"name": "say", "run": "echo far"}]}]}', '{"namespace":"earlier","jobs":[{"name":"near","steps":[{"name":"say","run":"echo near"}]},{"name":"far","dependsOn":["near"],"agentSelector":{"matchLabels":{"place":"moon"}},"steps":[{"name":"say","run":"echo far"}]}]}', 'admin', '', 1795355973627535259);


--
-- Data for Name: t_event; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_event VALUES ('01M81RW5EZYP3CKDZ4D775XXXE', 1, 1, 'arcentra.pipeline.created', 1795355973087185046, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","actor":"admin"}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 1, 2, 'arcentra.pipeline.triggered', 1795355973190404976, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","actor":"admin","state":1,"birth":{"pipelineName":"good","projectId":"test","definitionSha":"aa49664416dfd80f156ab948742029499f700cf13ec286933215a581b101dbbe","number":1,"triggerType":1,"attempt":1,"jobIds":["01M81RW5J6DV0Y1XK6A3BZT3F7","01M81RW5J6DV0Y1XK6A3BZT3F8"],"stepIds":["01M81RW5J6DV0Y1XK6A3BZT3F9","01M81RW5J6DV0Y1XK6A3BZT3FA","01M81RW5J6DV0Y1XK6A3BZT3FB"],"plan": {"namespace":"earlier","stages":[{"name":"default","jobs":[{"name":"build","steps":[{"name":"one","uses":"shell","args":{"run":"echo one"}},{"name":"two","uses":"shell","args":{"run":"echo two"}}]},{"name":"last","deps":[0],"steps":[{"name":"say","uses":"shell","args":{"run":"echo last"}}]}]}],"hash":"8c8cc7af15437fb4233973fb98eb3bff7cc221cdd738cc5635a31e19149c2839"}}}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 2, 3, 'arcentra.job.queued', 1795355973190404976, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","jobName":"build","job":0,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5MXV57Z4SEACCP320WG', 1, 4, 'arcentra.agent.registered', 1795355973277675531, '{"agentId":"01M81RW5MXV57Z4SEACCP320WG"}');
INSERT INTO public.t_event VALUES ('01M81RW5MXV57Z4SEACCP320WG', 2, 5, 'arcentra.agent.online', 1795355973277675531, '{"agentId":"01M81RW5MXV57Z4SEACCP320WG"}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 3, 6, 'arcentra.step.queued', 1795355973291476264, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3F9","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","job":0,"step":0,"state":2,"previous":1,"attempt":1,"fence":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 4, 7, 'arcentra.pipeline.started', 1795355973339488789, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","state":2,"previous":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 5, 8, 'arcentra.job.started', 1795355973339488789, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","job":0,"state":3,"previous":2,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 6, 9, 'arcentra.step.started', 1795355973339488789, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3F9","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","job":0,"step":0,"state":3,"previous":2,"attempt":1,"fence":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 7, 10, 'arcentra.step.completed', 1795355973361124645, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3F9","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","job":0,"step":0,"state":4,"previous":3,"attempt":1,"fence":1,"logLines":1,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 8, 11, 'arcentra.step.queued', 1795355973361124645, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FA","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"two","job":0,"step":1,"state":2,"previous":1,"attempt":1,"fence":2}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 9, 12, 'arcentra.step.started', 1795355973393723457, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FA","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"two","job":0,"step":1,"state":3,"previous":2,"attempt":1,"fence":2}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 10, 13, 'arcentra.step.completed', 1795355973424305425, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FA","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"two","job":0,"step":1,"state":4,"previous":3,"attempt":1,"fence":2,"logLines":1,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 11, 14, 'arcentra.job.completed', 1795355973424305425, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F7","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","job":0,"state":4,"previous":3,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 12, 15, 'arcentra.job.queued', 1795355973424305425, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","jobName":"last","job":1,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 13, 16, 'arcentra.step.queued', 1795355973424305425, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FB","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"last","stepName":"say","job":1,"step":0,"state":2,"previous":1,"attempt":1,"fence":3}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 14, 17, 'arcentra.job.started', 1795355973440789891, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"last","job":1,"state":3,"previous":2,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 15, 18, 'arcentra.step.started', 1795355973440789891, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FB","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"last","stepName":"say","job":1,"step":0,"state":3,"previous":2,"attempt":1,"fence":3}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 16, 19, 'arcentra.step.completed', 1795355973493266152, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","stepRunId":"01M81RW5J6DV0Y1XK6A3BZT3FB","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"last","stepName":"say","job":1,"step":0,"state":4,"previous":3,"attempt":1,"fence":3,"logLines":1,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 17, 20, 'arcentra.job.completed', 1795355973493266152, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","jobId":"01M81RW5J6DV0Y1XK6A3BZT3F8","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"last","job":1,"state":4,"previous":3,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', 18, 21, 'arcentra.pipeline.completed', 1795355973493266152, '{"pipelineId":"01M81RW5EZYP3CKDZ4D775XXXE","state":3,"previous":2}');
INSERT INTO public.t_event VALUES ('01M81RW5WPNJ1849T9CWE3BJK2', 1, 22, 'arcentra.pipeline.created', 1795355973526997575, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","actor":"admin"}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 1, 23, 'arcentra.pipeline.triggered', 1795355973532323457, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","actor":"admin","state":1,"birth":{"pipelineName":"bad","projectId":"test","definitionSha":"bbecd665e44349de74a1c1561442cc50cd380fb5618a92af8fafbeea1b47df68","number":1,"triggerType":1,"attempt":1,"jobIds":["01M81RW5WW8FVBCFMSYAB2TZK6","01M81RW5WW8FVBCFMSYAB2TZK7"],"stepIds":["01M81RW5WW8FVBCFMSYAB2TZK8","01M81RW5WW8FVBCFMSYAB2TZK9"],"plan": {"namespace":"earlier","stages":[{"name":"default","jobs":[{"name":"build","steps":[{"name":"one","uses":"shell","args":{"run":"exit 3"}}]},{"name":"never","deps":[0],"steps":[{"name":"say","uses":"shell","args":{"run":"echo never"}}]}]}],"hash":"e30ee163ddb84d86be20fba7b9d78fc297e3f21f9bfeaca458d24f984bdc6b5d"}}}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 2, 24, 'arcentra.job.queued', 1795355973532323457, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","jobName":"build","job":0,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 3, 25, 'arcentra.step.queued', 1795355973532323457, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","stepRunId":"01M81RW5WW8FVBCFMSYAB2TZK8","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","job":0,"step":0,"state":2,"previous":1,"attempt":1,"fence":4}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 4, 26, 'arcentra.pipeline.started', 1795355973547859022, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","state":2,"previous":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 5, 27, 'arcentra.job.started', 1795355973547859022, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","job":0,"state":3,"previous":2,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 6, 28, 'arcentra.step.started', 1795355973547859022, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","stepRunId":"01M81RW5WW8FVBCFMSYAB2TZK8","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","job":0,"step":0,"state":3,"previous":2,"attempt":1,"fence":4}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 7, 29, 'arcentra.step.failed', 1795355973581537265, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","stepRunId":"01M81RW5WW8FVBCFMSYAB2TZK8","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","stepName":"one","errorMessage":"Exit code 3.","job":0,"step":0,"state":5,"previous":3,"attempt":1,"exitCode":3,"cause":1,"fence":4,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 8, 30, 'arcentra.job.failed', 1795355973581537265, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK6","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"build","reason":"Step one failed: Exit code 3.","job":0,"state":5,"previous":3,"attempt":1,"cause":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 9, 31, 'arcentra.step.skipped', 1795355973581537265, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK7","stepRunId":"01M81RW5WW8FVBCFMSYAB2TZK9","jobName":"never","stepName":"say","reason":"Job build ended failed.","job":1,"step":0,"state":8,"previous":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 10, 32, 'arcentra.job.skipped', 1795355973581537265, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","jobId":"01M81RW5WW8FVBCFMSYAB2TZK7","jobName":"never","reason":"Job build ended failed.","job":1,"state":8,"previous":1,"attempt":1,"cause":1}');
INSERT INTO public.t_event VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', 11, 33, 'arcentra.pipeline.failed', 1795355973581537265, '{"pipelineId":"01M81RW5WPNJ1849T9CWE3BJK2","reason":"Job build ended failed.","state":4,"previous":2}');
INSERT INTO public.t_event VALUES ('01M81RW5ZVSNBA5HP6NQHXV4YH', 1, 34, 'arcentra.pipeline.created', 1795355973627535259, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","actor":"admin"}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 1, 35, 'arcentra.pipeline.triggered', 1795355973648227904, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","actor":"admin","state":1,"birth":{"pipelineName":"far","projectId":"test","definitionSha":"b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f","number":1,"triggerType":1,"attempt":1,"jobIds":["01M81RW60G356J4S8TMBCCX8BJ","01M81RW60G356J4S8TMBCCX8BK"],"stepIds":["01M81RW60G356J4S8TMBCCX8BM","01M81RW60G356J4S8TMBCCX8BN"],"plan": {"namespace":"earlier","stages":[{"name":"default","jobs":[{"name":"near","steps":[{"name":"say","uses":"shell","args":{"run":"echo near"}}]},{"name":"far","deps":[0],"selector":{"labels":{"place":"moon"}},"steps":[{"name":"say","uses":"shell","args":{"run":"echo far"}}]}]}],"hash":"c970955bcdaf87e8a13bfd91548d96323f87ff2bbddfe76cdc39843ce1374b16"}}}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 2, 36, 'arcentra.job.queued', 1795355973648227904, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","jobName":"near","job":0,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 3, 37, 'arcentra.step.queued', 1795355973648227904, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","stepRunId":"01M81RW60G356J4S8TMBCCX8BM","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":2,"previous":1,"attempt":1,"fence":5}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 1, 38, 'arcentra.pipeline.triggered', 1795355973662566938, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","actor":"admin","state":1,"birth":{"pipelineName":"far","projectId":"test","definitionSha":"b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f","number":2,"triggerType":1,"attempt":1,"jobIds":["01M81RW60YEJQSJ8Q74YT98E3F","01M81RW60YEJQSJ8Q74YT98E3G"],"stepIds":["01M81RW60YEJQSJ8Q74YT98E3H","01M81RW60YEJQSJ8Q74YT98E3J"],"plan": {"namespace":"earlier","stages":[{"name":"default","jobs":[{"name":"near","steps":[{"name":"say","uses":"shell","args":{"run":"echo near"}}]},{"name":"far","deps":[0],"selector":{"labels":{"place":"moon"}},"steps":[{"name":"say","uses":"shell","args":{"run":"echo far"}}]}]}],"hash":"c970955bcdaf87e8a13bfd91548d96323f87ff2bbddfe76cdc39843ce1374b16"}}}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 2, 39, 'arcentra.job.queued', 1795355973662566938, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","jobName":"near","job":0,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 3, 40, 'arcentra.step.queued', 1795355973662566938, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","stepRunId":"01M81RW60YEJQSJ8Q74YT98E3H","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":2,"previous":1,"attempt":1,"fence":6}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 4, 41, 'arcentra.pipeline.started', 1795355973690858718, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","state":2,"previous":1}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 5, 42, 'arcentra.job.started', 1795355973690858718, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","job":0,"state":3,"previous":2,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 6, 43, 'arcentra.step.started', 1795355973690858718, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","stepRunId":"01M81RW60G356J4S8TMBCCX8BM","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":3,"previous":2,"attempt":1,"fence":5}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 4, 44, 'arcentra.pipeline.started', 1795355973884747404, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","state":2,"previous":1}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 5, 45, 'arcentra.job.started', 1795355973884747404, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","job":0,"state":3,"previous":2,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 6, 46, 'arcentra.step.started', 1795355973884747404, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","stepRunId":"01M81RW60YEJQSJ8Q74YT98E3H","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":3,"previous":2,"attempt":1,"fence":6}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 7, 47, 'arcentra.step.completed', 1795355973914766900, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","stepRunId":"01M81RW60G356J4S8TMBCCX8BM","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":4,"previous":3,"attempt":1,"fence":5,"logLines":1,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 8, 48, 'arcentra.job.completed', 1795355973914766900, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BJ","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","job":0,"state":4,"previous":3,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60G356J4S8TMBCCX8BH', 9, 49, 'arcentra.job.queued', 1795355973914766900, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60G356J4S8TMBCCX8BK","jobName":"far","job":1,"state":2,"previous":1,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 7, 50, 'arcentra.step.completed', 1795355973924497206, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","stepRunId":"01M81RW60YEJQSJ8Q74YT98E3H","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","stepName":"say","job":0,"step":0,"state":4,"previous":3,"attempt":1,"fence":6,"logLines":1,"metrics":{},"outputs":{}}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 8, 51, 'arcentra.job.completed', 1795355973924497206, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3F","agentId":"01M81RW5MXV57Z4SEACCP320WG","jobName":"near","job":0,"state":4,"previous":3,"attempt":1}');
INSERT INTO public.t_event VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', 9, 52, 'arcentra.job.queued', 1795355973924497206, '{"pipelineId":"01M81RW5ZVSNBA5HP6NQHXV4YH","jobId":"01M81RW60YEJQSJ8Q74YT98E3G","jobName":"far","job":1,"state":2,"previous":1,"attempt":1}');


--
-- Data for Name: t_job_run; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_job_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F7', '01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', 0, 'build', 'default', 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 0, 2, '[]', 1795355973190404976, 1795355973190404976, 1795355973339488789, 1795355973424305425);
INSERT INTO public.t_job_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F8', '01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', 1, 'last', 'default', 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 0, 1, '["build"]', 1795355973190404976, 1795355973424305425, 1795355973440789891, 1795355973493266152);
INSERT INTO public.t_job_run VALUES ('01M81RW5WW8FVBCFMSYAB2TZK6', '01M81RW5WW8FVBCFMSYAB2TZK5', '01M81RW5WPNJ1849T9CWE3BJK2', 0, 'build', 'default', 5, 'Step one failed: Exit code 3.', 1, '01M81RW5MXV57Z4SEACCP320WG', 0, 1, '[]', 1795355973532323457, 1795355973532323457, 1795355973547859022, 1795355973581537265);
INSERT INTO public.t_job_run VALUES ('01M81RW5WW8FVBCFMSYAB2TZK7', '01M81RW5WW8FVBCFMSYAB2TZK5', '01M81RW5WPNJ1849T9CWE3BJK2', 1, 'never', 'default', 8, 'Job build ended failed.', 1, '', 0, 1, '["build"]', 1795355973532323457, 0, 0, 1795355973581537265);
INSERT INTO public.t_job_run VALUES ('01M81RW60G356J4S8TMBCCX8BJ', '01M81RW60G356J4S8TMBCCX8BH', '01M81RW5ZVSNBA5HP6NQHXV4YH', 0, 'near', 'default', 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 0, 1, '[]', 1795355973648227904, 1795355973648227904, 1795355973690858718, 1795355973914766900);
INSERT INTO public.t_job_run VALUES ('01M81RW60G356J4S8TMBCCX8BK', '01M81RW60G356J4S8TMBCCX8BH', '01M81RW5ZVSNBA5HP6NQHXV4YH', 1, 'far', 'default', 2, 'It waits for an agent with a free slot.', 1, '', 0, 1, '["near"]', 1795355973648227904, 1795355973914766900, 0, 0);
INSERT INTO public.t_job_run VALUES ('01M81RW60YEJQSJ8Q74YT98E3F', '01M81RW60YEJQSJ8Q74YT98E3E', '01M81RW5ZVSNBA5HP6NQHXV4YH', 0, 'near', 'default', 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 0, 1, '[]', 1795355973662566938, 1795355973662566938, 1795355973884747404, 1795355973924497206);
INSERT INTO public.t_job_run VALUES ('01M81RW60YEJQSJ8Q74YT98E3G', '01M81RW60YEJQSJ8Q74YT98E3E', '01M81RW5ZVSNBA5HP6NQHXV4YH', 1, 'far', 'default', 2, 'It waits for an agent with a free slot.', 1, '', 0, 1, '["near"]', 1795355973662566938, 1795355973924497206, 0, 0);


--
-- Data for Name: t_outbox; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: t_pipeline; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_pipeline VALUES ('01M81RW5EZYP3CKDZ4D775XXXE', 'test', 'good', '', '', '', '', 1, '', '{}', 'admin', '', 1, 3, 1, 1, 0, 'aa49664416dfd80f156ab948742029499f700cf13ec286933215a581b101dbbe', 1, 1795355973087185046, 1795355973087185046, 0);
INSERT INTO public.t_pipeline VALUES ('01M81RW5WPNJ1849T9CWE3BJK2', 'test', 'bad', '', '', '', '', 1, '', '{}', 'admin', '', 1, 4, 1, 0, 1, 'bbecd665e44349de74a1c1561442cc50cd380fb5618a92af8fafbeea1b47df68', 1, 1795355973526997575, 1795355973526997575, 0);
INSERT INTO public.t_pipeline VALUES ('01M81RW5ZVSNBA5HP6NQHXV4YH', 'test', 'far', '', '', '', '', 1, '', '{}', 'admin', '', 1, 2, 2, 0, 0, 'b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f', 1, 1795355973627535259, 1795355973627535259, 0);


--
-- Data for Name: t_pipeline_run; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_pipeline_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', 'good', 'test', 'earlier', 1, 3, '', 1, 'admin', '', '', 'aa49664416dfd80f156ab948742029499f700cf13ec286933215a581b101dbbe', '{}', '8c8cc7af15437fb4233973fb98eb3bff7cc221cdd738cc5635a31e19149c2839', 2, 2, 0, 0, 18, 1795355973190404976, 1795355973339488789, 1795355973493266152, '', 1, 0, 0, '');
INSERT INTO public.t_pipeline_run VALUES ('01M81RW5WW8FVBCFMSYAB2TZK5', '01M81RW5WPNJ1849T9CWE3BJK2', 'bad', 'test', 'earlier', 1, 4, 'Job build ended failed.', 1, 'admin', '', '', 'bbecd665e44349de74a1c1561442cc50cd380fb5618a92af8fafbeea1b47df68', '{}', 'e30ee163ddb84d86be20fba7b9d78fc297e3f21f9bfeaca458d24f984bdc6b5d', 2, 2, 1, 0, 11, 1795355973532323457, 1795355973547859022, 1795355973581537265, '', 1, 0, 0, '');
INSERT INTO public.t_pipeline_run VALUES ('01M81RW60G356J4S8TMBCCX8BH', '01M81RW5ZVSNBA5HP6NQHXV4YH', 'far', 'test', 'earlier', 1, 2, '', 1, 'admin', '', '', 'b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f', '{}', 'c970955bcdaf87e8a13bfd91548d96323f87ff2bbddfe76cdc39843ce1374b16', 2, 1, 0, 0, 9, 1795355973648227904, 1795355973690858718, 0, '', 1, 0, 0, '');
INSERT INTO public.t_pipeline_run VALUES ('01M81RW60YEJQSJ8Q74YT98E3E', '01M81RW5ZVSNBA5HP6NQHXV4YH', 'far', 'test', 'earlier', 2, 2, '', 1, 'admin', '', '', 'b06c3c0d4a43471ec5a8f8958ad5dbb19f551764d86ff5c76182f1eb38291a4f', '{}', 'c970955bcdaf87e8a13bfd91548d96323f87ff2bbddfe76cdc39843ce1374b16', 2, 1, 0, 0, 9, 1795355973662566938, 1795355973884747404, 0, '', 1, 0, 0, '');


--
-- Data for Name: t_pruned; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: t_request_key; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: t_step_run; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_step_run VALUES ('01M81RW60G356J4S8TMBCCX8BM', '01M81RW60G356J4S8TMBCCX8BH', '01M81RW5ZVSNBA5HP6NQHXV4YH', '01M81RW60G356J4S8TMBCCX8BJ', 'near', 0, 1, 'say', 0, 'shell', '', '{"run":"echo near"}', '{}', '', '', 0, 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 5, 0, '', '{}', '{}', 1, 1795355973648227904, 1795355973690858718, 1795355973914766900, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW60YEJQSJ8Q74YT98E3H', '01M81RW60YEJQSJ8Q74YT98E3E', '01M81RW5ZVSNBA5HP6NQHXV4YH', '01M81RW60YEJQSJ8Q74YT98E3F', 'near', 0, 1, 'say', 0, 'shell', '', '{"run":"echo near"}', '{}', '', '', 0, 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 6, 0, '', '{}', '{}', 1, 1795355973662566938, 1795355973884747404, 1795355973924497206, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3F9', '01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', '01M81RW5J6DV0Y1XK6A3BZT3F7', 'build', 0, 1, 'one', 0, 'shell', '', '{"run":"echo one"}', '{}', '', '', 0, 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 1, 0, '', '{}', '{}', 1, 1795355973190404976, 1795355973339488789, 1795355973361124645, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3FA', '01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', '01M81RW5J6DV0Y1XK6A3BZT3F7', 'build', 0, 1, 'two', 1, 'shell', '', '{"run":"echo two"}', '{}', '', '', 0, 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 2, 0, '', '{}', '{}', 1, 1795355973190404976, 1795355973393723457, 1795355973424305425, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW5J6DV0Y1XK6A3BZT3FB', '01M81RW5J6DV0Y1XK6A3BZT3F6', '01M81RW5EZYP3CKDZ4D775XXXE', '01M81RW5J6DV0Y1XK6A3BZT3F8', 'last', 1, 1, 'say', 0, 'shell', '', '{"run":"echo last"}', '{}', '', '', 0, 4, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 3, 0, '', '{}', '{}', 1, 1795355973190404976, 1795355973440789891, 1795355973493266152, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW5WW8FVBCFMSYAB2TZK8', '01M81RW5WW8FVBCFMSYAB2TZK5', '01M81RW5WPNJ1849T9CWE3BJK2', '01M81RW5WW8FVBCFMSYAB2TZK6', 'build', 0, 1, 'one', 0, 'shell', '', '{"run":"exit 3"}', '{}', '', '', 0, 5, '', 1, '01M81RW5MXV57Z4SEACCP320WG', 4, 3, 'Exit code 3.', '{}', '{}', 0, 1795355973532323457, 1795355973547859022, 1795355973581537265, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW5WW8FVBCFMSYAB2TZK9', '01M81RW5WW8FVBCFMSYAB2TZK5', '01M81RW5WPNJ1849T9CWE3BJK2', '01M81RW5WW8FVBCFMSYAB2TZK7', 'never', 1, 1, 'say', 0, 'shell', '', '{"run":"echo never"}', '{}', '', '', 0, 8, 'Job build ended failed.', 0, '', 0, 0, '', '', '', 0, 1795355973532323457, 0, 1795355973581537265, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW60G356J4S8TMBCCX8BN', '01M81RW60G356J4S8TMBCCX8BH', '01M81RW5ZVSNBA5HP6NQHXV4YH', '01M81RW60G356J4S8TMBCCX8BK', 'far', 1, 1, 'say', 0, 'shell', '', '{"run":"echo far"}', '{}', '', '', 0, 1, '', 0, '', 0, 0, '', '', '', 0, 1795355973648227904, 0, 0, 0);
INSERT INTO public.t_step_run VALUES ('01M81RW60YEJQSJ8Q74YT98E3J', '01M81RW60YEJQSJ8Q74YT98E3E', '01M81RW5ZVSNBA5HP6NQHXV4YH', '01M81RW60YEJQSJ8Q74YT98E3G', 'far', 1, 1, 'say', 0, 'shell', '', '{"run":"echo far"}', '{}', '', '', 0, 1, '', 0, '', 0, 0, '', '', '', 0, 1795355973662566938, 0, 0, 0);


--
-- Data for Name: t_step_run_artifact; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: t_store; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_store VALUES ('schema', 1);


--
-- Data for Name: t_token; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.t_token VALUES ('01M81RW5ARFHP2PEBZ2QF1YM2N', 2, 'bbeacb2ff0776b959dc38aac04cd0d9c3f94181bfc11ecd8c7381eb50a1f2865', 'admin', 'read,run,write,admin', '', 0, 0, 1, 1795355972952903936, 0, 0);
INSERT INTO public.t_token VALUES ('01M81RW5CJTDEK0RBVVTF52TA3', 1, 'b82cdc9848a1045b25ead4add459b0e75d3946fc369bd5cf16a0218c3f150717', 'agent-1', '', '', 0, 1, 2, 1795355973010076557, 0, 0);


--
-- Name: t_agent_event t_agent_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_agent_event
    ADD CONSTRAINT t_agent_event_pkey PRIMARY KEY (agent_id, epoch, seq);


--
-- Name: t_agent t_agent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_agent
    ADD CONSTRAINT t_agent_pkey PRIMARY KEY (id);


--
-- Name: t_commit t_commit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_commit
    ADD CONSTRAINT t_commit_pkey PRIMARY KEY (session);


--
-- Name: t_counter t_counter_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_counter
    ADD CONSTRAINT t_counter_pkey PRIMARY KEY (name);


--
-- Name: t_definition t_definition_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_definition
    ADD CONSTRAINT t_definition_pkey PRIMARY KEY (pipeline_id, sha);


--
-- Name: t_event t_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_event
    ADD CONSTRAINT t_event_pkey PRIMARY KEY (stream, seq);


--
-- Name: t_job_run t_job_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_job_run
    ADD CONSTRAINT t_job_run_pkey PRIMARY KEY (id);


--
-- Name: t_outbox t_outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_outbox
    ADD CONSTRAINT t_outbox_pkey PRIMARY KEY (id);


--
-- Name: t_pipeline t_pipeline_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_pipeline
    ADD CONSTRAINT t_pipeline_pkey PRIMARY KEY (id);


--
-- Name: t_pipeline_run t_pipeline_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_pipeline_run
    ADD CONSTRAINT t_pipeline_run_pkey PRIMARY KEY (id);


--
-- Name: t_pruned t_pruned_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_pruned
    ADD CONSTRAINT t_pruned_pkey PRIMARY KEY (pipeline_id);


--
-- Name: t_request_key t_request_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_request_key
    ADD CONSTRAINT t_request_key_pkey PRIMARY KEY (scope, request_id);


--
-- Name: t_step_run_artifact t_step_run_artifact_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_step_run_artifact
    ADD CONSTRAINT t_step_run_artifact_pkey PRIMARY KEY (id);


--
-- Name: t_step_run t_step_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_step_run
    ADD CONSTRAINT t_step_run_pkey PRIMARY KEY (id);


--
-- Name: t_store t_store_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_store
    ADD CONSTRAINT t_store_pkey PRIMARY KEY (name);


--
-- Name: t_token t_token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.t_token
    ADD CONSTRAINT t_token_pkey PRIMARY KEY (id);


--
-- Name: t_agent__name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_agent__name ON public.t_agent USING btree ("left"(name, 255));


--
-- Name: t_event__position; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX t_event__position ON public.t_event USING btree ("position") WHERE ("position" <> 0);


--
-- Name: t_job_run__run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_job_run__run_id ON public.t_job_run USING btree ("left"(run_id, 255));


--
-- Name: t_outbox__run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_outbox__run_id ON public.t_outbox USING btree ("left"(run_id, 255));


--
-- Name: t_pipeline__created_at_ns; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline__created_at_ns ON public.t_pipeline USING btree (created_at_ns);


--
-- Name: t_pipeline__deleted_at_ns; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline__deleted_at_ns ON public.t_pipeline USING btree (deleted_at_ns);


--
-- Name: t_pipeline__name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline__name ON public.t_pipeline USING btree ("left"(name, 255));


--
-- Name: t_pipeline__project_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline__project_id ON public.t_pipeline USING btree ("left"(project_id, 255));


--
-- Name: t_pipeline__status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline__status ON public.t_pipeline USING btree (status);


--
-- Name: t_pipeline_run__created_at_ns; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline_run__created_at_ns ON public.t_pipeline_run USING btree (created_at_ns);


--
-- Name: t_pipeline_run__pipeline_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline_run__pipeline_id ON public.t_pipeline_run USING btree ("left"(pipeline_id, 255));


--
-- Name: t_pipeline_run__status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_pipeline_run__status ON public.t_pipeline_run USING btree (status);


--
-- Name: t_request_key__created_at_ns; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_request_key__created_at_ns ON public.t_request_key USING btree (created_at_ns);


--
-- Name: t_step_run__job_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_step_run__job_id ON public.t_step_run USING btree ("left"(job_id, 255));


--
-- Name: t_step_run__pipeline_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_step_run__pipeline_id ON public.t_step_run USING btree ("left"(pipeline_id, 255));


--
-- Name: t_step_run__run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_step_run__run_id ON public.t_step_run USING btree ("left"(run_id, 255));


--
-- Name: t_step_run_artifact__run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_step_run_artifact__run_id ON public.t_step_run_artifact USING btree ("left"(run_id, 255));


--
-- Name: t_step_run_artifact__step_run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX t_step_run_artifact__step_run_id ON public.t_step_run_artifact USING btree ("left"(step_run_id, 255));


--
-- Name: t_token__hash; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX t_token__hash ON public.t_token USING btree (hash) WHERE (hash <> ''::text);


--
-- PostgreSQL database dump complete
--


