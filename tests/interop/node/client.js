// SPDX-License-Identifier: Apache-2.0
// The four kinds of calls by @grpc/grpc-js: client.js PROTO TARGET CASE [CA]
// Ends with 0 when the answers are what they should be.
'use strict';

const assert = require('assert');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const PATIENCE_MS = 30000;
const [proto, target, name, ca] = process.argv.slice(2);

function zeros(payload, size) {
  assert.strictEqual(payload.body.length, size);
  assert(payload.body.every((byte) => byte === 0));
}

function options() {
  return {deadline: Date.now() + PATIENCE_MS};
}

const cases = {
  unary(client, done) {
    const request = {responseSize: 314159, payload: {body: Buffer.alloc(271828)}};
    client.UnaryCall(request, new grpc.Metadata(), options(), (error, reply) => {
      assert.ifError(error);
      zeros(reply.payload, 314159);
      done();
    });
  },

  client_stream(client, done) {
    const call = client.StreamingInputCall(new grpc.Metadata(), options(), (error, reply) => {
      assert.ifError(error);
      assert.strictEqual(reply.aggregatedPayloadSize, 74922);
      done();
    });
    for (const size of [27182, 8, 1828, 45904]) call.write({payload: {body: Buffer.alloc(size)}});
    call.end();
  },

  server_stream(client, done) {
    const sizes = [31415, 9, 2653, 58979];
    const request = {responseParameters: sizes.map((size) => ({size, intervalUs: 1000}))};
    const call = client.StreamingOutputCall(request, new grpc.Metadata(), options());
    let count = 0;
    call.on('data', (reply) => zeros(reply.payload, sizes[count++]));
    call.on('error', (error) => assert.ifError(error));
    call.on('status', (status) => {
      assert.strictEqual(status.code, grpc.status.OK);
      assert.strictEqual(count, sizes.length);
      done();
    });
  },

  both_streams(client, done) {
    const call = client.FullDuplexCall(new grpc.Metadata(), options());
    let count = 0;
    const ask = () => call.write({responseParameters: [{size: count + 1}]});
    call.on('data', (reply) => {
      zeros(reply.payload, ++count);
      if (count < 100) ask();
      else call.end();
    });
    call.on('error', (error) => assert.ifError(error));
    call.on('status', (status) => {
      assert.strictEqual(status.code, grpc.status.OK);
      assert.strictEqual(count, 100);
      done();
    });
    ask();
  },

  status(client, done) {
    const wanted = {code: grpc.status.UNKNOWN, message: '\t\n\u263a \u{1f608}\n'};
    client.UnaryCall({responseStatus: wanted}, new grpc.Metadata(), options(), (error) => {
      assert.strictEqual(error.code, wanted.code);
      assert.strictEqual(error.details, wanted.message);
      done();
    });
  },

  metadata(client, done) {
    const metadata = new grpc.Metadata();
    const raw = Buffer.from([0xab, 0, 0xab]);
    let initial;
    metadata.set('x-grpc-test-echo-initial', 'here and back');
    metadata.set('x-grpc-test-echo-trailing-bin', raw);
    const call = client.UnaryCall({responseSize: 1}, metadata, options(), (error) => {
      assert.ifError(error);
    });
    call.on('metadata', (got) => {
      initial = got.get('x-grpc-test-echo-initial');
    });
    call.on('status', (status) => {
      assert.deepStrictEqual(initial, ['here and back']);
      assert.deepStrictEqual(status.metadata.get('x-grpc-test-echo-trailing-bin'), [raw]);
      done();
    });
  },
};

const definition = grpc.loadPackageDefinition(loader.loadSync(proto));
const secret = ca === undefined ? grpc.credentials.createInsecure()
  : grpc.credentials.createSsl(fs.readFileSync(ca));
const client = new definition.grpc.testing.TestService(target, secret);
cases[name](client, () => client.close());
