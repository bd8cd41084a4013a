#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""grpcurl: lists, describes and calls services of our server by reflection alone. Prints TAP."""
import json

from lab import DESCRIPTORS, Lab, case, check, go_tool, run, run_cases, same, want_ok

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl"
SERVICE = "grpc.testing.TestService"


def grpcurl(lab, *words, tls=False, flags=()):
    server = lab.ours(tls, "--descriptors", DESCRIPTORS)
    link = ["-cacert", lab.certificate()[0]] if tls else ["-plaintext"]
    return [go_tool("go", GRPCURL), "-max-time", "30", *link, *flags, server.target, *words]


def lists(lab, tls):
    services = want_ok(grpcurl(lab, "list", tls=tls)).split()
    for name in (SERVICE, "grpc.health.v1.Health"):
        check(name in services, "%s is not among %r" % (name, services))
    check(any(name.startswith("grpc.reflection.v1") for name in services), services)


@case("grpcurl lists the services over plaintext")
def plain_list(lab):
    lists(lab, False)


@case("grpcurl lists the services over TLS")
def tls_list(lab):
    lists(lab, True)


@case("grpcurl lists the methods of a service")
def methods(lab):
    got = want_ok(grpcurl(lab, "list", SERVICE)).split()
    for name in ("EmptyCall", "UnaryCall", "FullDuplexCall"):
        check(SERVICE + "." + name in got, got)


@case("grpcurl describes a service, a method and a message")
def describes(lab):
    check("rpc UnaryCall ( .grpc.testing.SimpleRequest )" in
          want_ok(grpcurl(lab, "describe", SERVICE)), "the service")
    check("stream .grpc.testing.StreamingOutputCallResponse" in
          want_ok(grpcurl(lab, "describe", SERVICE + ".FullDuplexCall")), "the method")
    check("int32 response_size = 2;" in
          want_ok(grpcurl(lab, "describe", "grpc.testing.SimpleRequest")), "the message")


@case("grpcurl makes a unary call by what reflection told")
def unary(lab):
    text = want_ok(grpcurl(lab, SERVICE + "/UnaryCall", flags=["-d", '{"responseSize": 3}']))
    same(json.loads(text), {"payload": {"body": "AAAA"}}, "the answer")


@case("grpcurl streams both ways by what reflection told")
def streams(lab):
    asked = '{"responseParameters": [{"size": 1}, {"size": 2}]} {"responseParameters": [{}]}'
    text = want_ok(grpcurl(lab, SERVICE + "/FullDuplexCall", flags=["-d", asked]))
    decoder, got = json.JSONDecoder(), []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        got.append(value["payload"].get("body"))
    same(got, ["AA==", "AAA=", None], "the answers")


@case("grpcurl reads a status and its message")
def status(lab):
    asked = '{"responseStatus": {"code": 5, "message": "not here"}}'
    code, text = run(grpcurl(lab, SERVICE + "/UnaryCall", flags=["-d", asked]))
    check(code != 0 and "NotFound" in text and "not here" in text, text)


@case("grpcurl asks for the health of the server and of a service")
def health(lab):
    for service in ("", SERVICE):
        asked = json.dumps({"service": service})
        text = want_ok(grpcurl(lab, "grpc.health.v1.Health/Check", flags=["-d", asked]))
        same(json.loads(text), {"status": "SERVING"}, service or "the server")


@case("grpcurl is told of a service that is not there")
def absent(lab):
    code, text = run(grpcurl(lab, "describe", "grpc.testing.NoService"))
    check(code != 0 and "not found" in text.lower(), text)


run_cases(Lab)
