// SPDX-License-Identifier: Apache-2.0

// The peer in Go: grpc-go as its documentation shows it.
//
//	peer_go [CERT KEY]    prints "port N"; ends when its input does
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"libarcentra.example/bench/benchpb"
)

func getSum(_ any, ctx context.Context, decode func(any) error,
	interceptor grpc.UnaryServerInterceptor) (any, error) {
	request := new(benchpb.SumRequest)
	if err := decode(request); err != nil {
		return nil, err
	}
	return &benchpb.SumReply{Sum: request.A + request.B}, nil
}

func streamSum(_ any, stream grpc.ServerStream) error {
	request := new(benchpb.SumRequest)
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	reply := &benchpb.SumReply{Sum: request.A + request.B}
	for left := request.Count; left > 0; left-- {
		if err := stream.SendMsg(reply); err != nil {
			return err
		}
	}
	return nil
}

func ingest(_ any, stream grpc.ServerStream) error {
	summary := new(benchpb.Summary)
	for {
		line := new(benchpb.LogLine)
		err := stream.RecvMsg(line)
		if err == io.EOF {
			return stream.SendMsg(summary)
		}
		if err != nil {
			return err
		}
		if line.Seq != summary.Lines+1 {
			return status.Error(codes.InvalidArgument, "seq")
		}
		summary.Lines++
		summary.TextBytes += uint64(len(line.Text))
	}
}

func open(_ any, stream grpc.ServerStream) error {
	for {
		request := new(benchpb.SumRequest)
		err := stream.RecvMsg(request)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		reply := &benchpb.SumReply{Sum: request.A + request.B}
		if err := stream.SendMsg(reply); err != nil {
			return err
		}
	}
}

// What protoc-gen-go-grpc writes, by hand.
var services = []grpc.ServiceDesc{
	{
		ServiceName: "bench.SumService",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "GetSum", Handler: getSum}},
		Streams: []grpc.StreamDesc{
			{StreamName: "StreamSum", Handler: streamSum, ServerStreams: true},
		},
	},
	{
		ServiceName: "bench.IngestService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Ingest", Handler: ingest, ClientStreams: true},
		},
	},
	{
		ServiceName: "bench.IdleService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			{StreamName: "Open", Handler: open, ClientStreams: true,
				ServerStreams: true},
		},
	},
}

func serve() error {
	var options []grpc.ServerOption
	if len(os.Args) > 2 {
		creds, err := credentials.NewServerTLSFromFile(os.Args[1], os.Args[2])
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(creds))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(options...)
	for i := range services {
		server.RegisterService(&services[i], struct{}{})
	}
	port := listener.Addr().(*net.TCPAddr).Port
	fmt.Printf("port %d\nversion grpc-go %s, %s\n", port, grpc.Version, runtime.Version())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	return server.Serve(listener)
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "peer_go:", err)
		os.Exit(1)
	}
}
