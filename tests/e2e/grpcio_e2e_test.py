# SPDX-License-Identifier: Apache-2.0
"""A gRPC client and server that others wrote (grpcio), with messages made from api/ by protoc: the
client lists pipelines, triggers a run and follows its steps, the server keeps an agent waiting."""
import atexit
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent import futures

SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = ("grpc", "google.protobuf")


def has_all():
    try:
        return all(importlib.util.find_spec(name) for name in NEEDED)
    except ImportError:
        return False


if not has_all() and os.path.exists(SYSTEM_PYTHON) and \
        os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON):
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (PATIENCE, SOURCE, Failure, World, case, check, program,  # noqa: E402
                     run_cases, same, wait_until)

MODULES = ("agent", "gateway", "pipeline", "steprun", "stream", "control")


def why_not():
    if not has_all():
        return "python3-grpcio and python3-protobuf are not installed"
    if shutil.which("protoc") is None:
        return "protoc is not installed"
    return None


reason = why_not()
if reason is not None:
    print("1..0 # SKIP " + reason)
    sys.exit(0)

import grpc  # noqa: E402

STUBS = tempfile.mkdtemp(prefix="arcentra-stubs-")
atexit.register(shutil.rmtree, STUBS, ignore_errors=True)


def make_stubs():
    api = os.path.join(os.path.abspath(SOURCE), "api")
    subprocess.run(["protoc", "-I", api, "--python_out", STUBS] +
                   ["%s/v1/%s.proto" % (name, name) for name in MODULES], check=True, cwd=api)
    sys.path.insert(0, STUBS)


make_stubs()
from agent.v1 import agent_pb2 as agents  # noqa: E402
from pipeline.v1 import pipeline_pb2 as pipeline  # noqa: E402
from steprun.v1 import steprun_pb2 as steprun  # noqa: E402
from stream.v1 import stream_pb2 as stream  # noqa: E402

SPEC = {"namespace": "grpcio.test", "version": "v1",
        "jobs": [{"name": "a", "steps": [{"name": "one", "run": "echo one"},
                                         {"name": "two", "run": "echo two"}]}]}


class GrpcWorld(World):
    def __init__(self):
        World.__init__(self)
        self.start_server()
        self.start_agent()
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % self.grpc_port)

    def metadata(self):
        return [("authorization", "Bearer " + self.token)]

    def unary(self, service, method, request, reply, metadata=None):
        call = self.channel.unary_unary("/%s/%s" % (service, method),
                                        request_serializer=type(request).SerializeToString,
                                        response_deserializer=reply.FromString)
        return call(request, timeout=PATIENCE,
                    metadata=self.metadata() if metadata is None else metadata)

    def close(self):
        self.channel.close()
        World.close(self)


PIPELINE = "pipeline.v1.PipelineService"


def refused(call, *codes):
    try:
        call()
    except grpc.RpcError as error:
        check(error.code() in codes, "%s: %s" % (error.code(), error.details()))
        return error
    raise Failure("it was not refused")


@case("grpcio lists pipelines")
def lists(world):
    made = world.create(SPEC, name="over grpc", project="grpcio")
    reply = world.unary(PIPELINE, "ListPipelines", pipeline.ListPipelinesRequest(
        project_id="grpcio"), pipeline.ListPipelinesResponse)
    check(reply.success, reply.message)
    same([(row.pipeline_id, row.name) for row in reply.pipelines], [(made, "over grpc")],
         "the pipelines")


@case("grpcio triggers a run and follows StreamStepRunStatus to its end")
def follows(world):
    made = world.create(SPEC, name="followed", project="grpcio")
    reply = world.unary(PIPELINE, "TriggerPipeline", pipeline.TriggerPipelineRequest(
        pipeline_id=made, triggered_by="grpcio", request_id="grpcio-1"),
        pipeline.TriggerPipelineResponse)
    check(reply.success and reply.run_id, reply.message)
    steps = world.unary("steprun.v1.StepRunService", "ListStepRuns",
                        steprun.ListStepRunsRequest(pipeline_run_id=reply.run_id),
                        steprun.ListStepRunsResponse)
    same(sorted(row.step_name for row in steps.step_runs), ["one", "two"], "its steps")
    last = [row for row in steps.step_runs if row.step_name == "two"][0]
    follow = world.channel.unary_stream(
        "/stream.v1.StreamService/StreamStepRunStatus",
        request_serializer=stream.StreamStepRunStatusRequest.SerializeToString,
        response_deserializer=stream.StreamStepRunStatusResponse.FromString)
    seen = []
    call = follow(stream.StreamStepRunStatusRequest(step_run_ids=[last.step_run_id]),
                  timeout=PATIENCE, metadata=world.metadata())
    for message in call:
        same(message.step_run_id, last.step_run_id, "whose")
        seen.append(message.status)
        if message.status > steprun.StepRunStatus.Value("STEP_RUN_STATUS_RUNNING"):
            break
    call.cancel()
    same(seen[-1], steprun.StepRunStatus.Value("STEP_RUN_STATUS_SUCCESS"), "the end of %r" % seen)
    same(seen, sorted(seen), "statuses only go on")
    same(world.wait_run(reply.run_id), "success", "the run")


@case("a call without a good token is UNAUTHENTICATED")
def token(world):
    for metadata in ([], [("authorization", "Bearer arct_wrong")], [("authorization", "x")]):
        refused(lambda: world.unary(PIPELINE, "ListPipelines", pipeline.ListPipelinesRequest(),
                                    pipeline.ListPipelinesResponse, metadata),
                grpc.StatusCode.UNAUTHENTICATED)


@case("a refusal of the domain stands in the reply, with gRPC status OK")
def refusals(world):
    reply = world.unary(PIPELINE, "GetPipeline", pipeline.GetPipelineRequest(
        pipeline_id="01ARZ3NDEKTSV4RRFFQ69G5FAV"), pipeline.GetPipelineResponse)
    same((reply.success, reply.error.code, reply.error.type), (False, 404, "not_found"),
         "the reply")


@case("what this version does not offer is UNIMPLEMENTED, and says so")
def unimplemented(world):
    follow = world.channel.unary_stream(
        "/stream.v1.StreamService/StreamEvents",
        request_serializer=stream.StreamEventsRequest.SerializeToString,
        response_deserializer=stream.StreamEventsResponse.FromString)
    error = refused(lambda: list(follow(stream.StreamEventsRequest(), timeout=PATIENCE,
                                        metadata=world.metadata())),
                    grpc.StatusCode.UNIMPLEMENTED)
    check(error.details(), "it says so")
    refused(lambda: world.unary(PIPELINE, "Nothing", pipeline.GetPipelineRequest(),
                                pipeline.GetPipelineResponse), grpc.StatusCode.UNIMPLEMENTED)


@case("a deadline that has passed is DEADLINE_EXCEEDED, and the channel lives on")
def deadline(world):
    made = world.create(SPEC, name="deadline", project="grpcio")
    follow = world.channel.unary_stream(
        "/stream.v1.StreamService/StreamPipelineStatus",
        request_serializer=stream.StreamPipelineStatusRequest.SerializeToString,
        response_deserializer=stream.StreamPipelineStatusResponse.FromString)

    def watch():
        for _ in follow(stream.StreamPipelineStatusRequest(pipeline_ids=[made]), timeout=0.5,
                        metadata=world.metadata()):
            pass
    refused(watch, grpc.StatusCode.DEADLINE_EXCEEDED)
    world.unary(PIPELINE, "ListPipelines", pipeline.ListPipelinesRequest(),
                pipeline.ListPipelinesResponse)


class Reluctant:
    """A server that has one step for the first agent that comes, and says nothing about its lease
    until it is told to."""

    def __init__(self, script):
        self.asked, self.renew, self.script = 0, False, script
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
            "agent.v1.AgentService", {
                "Register": grpc.unary_unary_rpc_method_handler(
                    lambda request, context: agents.RegisterResponse(
                        success=True, agent_id="a1", heartbeat_interval=1, auth_token="a1:x",
                        protocol_level=1, lease_ttl_ms=3000),
                    agents.RegisterRequest.FromString,
                    agents.RegisterResponse.SerializeToString),
                "ReportStepRunStatus": grpc.unary_unary_rpc_method_handler(
                    lambda request, context: agents.ReportStepRunStatusResponse(success=True),
                    agents.ReportStepRunStatusRequest.FromString,
                    agents.ReportStepRunStatusResponse.SerializeToString),
                "Connect": grpc.stream_stream_rpc_method_handler(
                    self.connect, agents.ConnectRequest.FromString,
                    agents.ConnectResponse.SerializeToString)})])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def connect(self, requests, context):
        answers = queue.Queue()
        step = agents.StepRun(step_run_id="s1", pipeline_id="p1", pipeline_run_id="r1", job_id="j1",
                              job_name="a", step_name="s", uses="shell", workspace="r1/j1",
                              attempt=1, fence=7, lease_ttl_ms=3000)
        step.args.update({"run": self.script})
        answers.put(agents.ConnectResponse(
            agent_id="a1", command_id="d.7.s1",
            task_dispatch=agents.TaskDispatch(step_runs=[step])))
        threading.Thread(target=self.listen, args=(requests, answers), daemon=True).start()
        while context.is_active():
            try:
                yield answers.get(timeout=0.05)
            except queue.Empty:
                continue

    def listen(self, requests, answers):
        try:
            for request in requests:
                leases = request.heartbeat.leases
                self.asked += len(leases)
                if request.WhichOneof("payload") == "heartbeat" and (self.renew or not leases):
                    answers.put(agents.ConnectResponse(agent_id="a1", renewal=agents.LeaseRenewal(
                        ttl_ms=3000, renewed=leases)))
        except grpc.RpcError:
            return  # the agent is gone


@case("an agent begins a step once its lease has been renewed, not before")
def begins(world):
    mark = os.path.join(world.directory, "begun")
    server = Reluctant("echo 1 >>%s" % mark)
    token = os.path.join(world.directory, "any.token")
    with open(token, "w") as file:
        file.write("art_any\n")
    agent = world.start("late", [
        program("arcentra-agent"), "--server", "127.0.0.1:%d" % server.port, "--token-file", token,
        "--name", "late", "--data", os.path.join(world.directory, "late"), "--verbose"])
    wait_until(lambda: server.asked >= 3, "the agent to ask for the lease, again and again")
    check(not os.path.exists(mark) and " begins" not in agent.text(), agent.text())
    server.renew = True
    wait_until(lambda: os.path.exists(mark), "the step to begin")
    server.server.stop(None)


if __name__ == "__main__":
    run_cases(GrpcWorld)
