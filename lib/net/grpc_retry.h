/* SPDX-License-Identifier: Apache-2.0 */
/* When a call is sent again: gRPC proposal A6 as a function of how the attempt ended, the policy,
 * what is noted with the call, and the time. Pure but for its random bytes. */
#ifndef ARC_NET_GRPC_RETRY_H
#define ARC_NET_GRPC_RETRY_H

#include <arcentra/client.h>

#include "net/env.h"
#include "wire/grpc.h"

/* As A6: more than so many attempts are not made, whatever is asked for. */
#define ARC_GRPC_RETRY_ATTEMPTS_MAX 5
/* The throttle: a failure takes a token, a success gives a tenth back; retries only while more than
 * half are there. So a server that fails everybody gets at most a tenth more calls, not four times
 * as many. In thousandths. */
#define ARC_GRPC_RETRY_TOKENS_MAX 10000
#define ARC_GRPC_RETRY_TOKENS_FAILURE 1000
#define ARC_GRPC_RETRY_TOKENS_SUCCESS 100
/* A server may ask for a pause so long; a longer one is no retry. */
#define ARC_GRPC_RETRY_PUSHBACK_MAX_MS INT32_MAX

struct arc_grpc_retry_policy {
    int on; /* there is a policy */
    uint32_t attempts_max, codes, buffer_bytes;
    uint64_t backoff_min_ns, backoff_max_ns;
    uint32_t tokens;
};

/* options: NULL: no policy. ARC_EINVAL: a code that is none, or OK. */
arc_status arc__grpc_retry_init(struct arc_grpc_retry_policy *retry, const arc_grpc_retry *options,
                                arc_err *err);
/* 1: another attempt, not before ending->note->at_ns. */
int arc__grpc_retry_decide(struct arc_grpc_retry_policy *retry, const struct arc_net_env *env,
                           const struct arc_grpc_ending *ending, uint64_t now_ns);
/* Full jitter: anything from nothing to the bound, all alike; the bound where there is no entropy.
 */
uint64_t arc__grpc_retry_jitter(const struct arc_net_env *env, uint64_t bound_ns);

#endif
