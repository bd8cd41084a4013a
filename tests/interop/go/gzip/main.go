// SPDX-License-Identifier: Apache-2.0

// Command gzip calls a test service with grpc-go's encoding/gzip: requests are compressed, and
// answers are asked for compressed and plain. What the service is told to expect of a message it
// checks itself; what the flag on the wire says is looked at by whoever stands in between.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

const patience = 30 * time.Second

func payload(size int) *testgrpc.Payload {
	return &testgrpc.Payload{Body: make([]byte, size)}
}

func is(value bool) *testgrpc.BoolValue {
	return &testgrpc.BoolValue{Value: value}
}

func wantZeros(what string, got *testgrpc.Payload, size int) {
	for _, b := range got.GetBody() {
		if b != 0 {
			log.Fatalf("%s: the payload is not of zeros", what)
		}
	}
	if len(got.GetBody()) != size {
		log.Fatalf("%s: got %d bytes, want %d", what, len(got.GetBody()), size)
	}
}

func unary(ctx context.Context, client testgrpc.TestServiceClient, back bool) {
	reply, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{
		Payload:            payload(271828),
		ExpectCompressed:   is(true),
		ResponseSize:       314159,
		ResponseCompressed: is(back),
	})
	if err != nil {
		log.Fatal("UnaryCall: ", err)
	}
	wantZeros("UnaryCall", reply.GetPayload(), 314159)
}

func upload(ctx context.Context, client testgrpc.TestServiceClient) {
	stream, err := client.StreamingInputCall(ctx)
	for i := 0; err == nil && i < 3; i++ {
		err = stream.Send(&testgrpc.StreamingInputCallRequest{
			Payload:          payload(27182),
			ExpectCompressed: is(true),
		})
	}
	if err != nil {
		log.Fatal("StreamingInputCall: ", err)
	}
	reply, err := stream.CloseAndRecv()
	if err != nil || reply.GetAggregatedPayloadSize() != 3*27182 {
		log.Fatal("StreamingInputCall: ", reply, err)
	}
}

func download(ctx context.Context, client testgrpc.TestServiceClient) {
	sizes := []int{31415, 92653}
	stream, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{
			{Size: int32(sizes[0]), Compressed: is(true)},
			{Size: int32(sizes[1]), Compressed: is(false)},
		},
	})
	if err != nil {
		log.Fatal("StreamingOutputCall: ", err)
	}
	for _, size := range sizes {
		reply, err := stream.Recv()
		if err != nil {
			log.Fatal("StreamingOutputCall: ", err)
		}
		wantZeros("StreamingOutputCall", reply.GetPayload(), size)
	}
	if _, err := stream.Recv(); err != io.EOF {
		log.Fatal("StreamingOutputCall: no end: ", err)
	}
}

func main() {
	target := flag.String("target", "", "host:port")
	flag.Parse()
	conn, err := grpc.NewClient(*target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := testgrpc.NewTestServiceClient(conn)
	unary(ctx, client, true)
	unary(ctx, client, false)
	upload(ctx, client)
	download(ctx, client)
	if err := conn.Close(); err != nil {
		log.Fatal(err)
	}
}
