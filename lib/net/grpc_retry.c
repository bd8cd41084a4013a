/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_retry.h"

#include "base/options.h"

#define NS_PER_MS UINT64_C(1000000)
#define ATTEMPTS 5
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define BUFFER_BYTES 262144

arc_status arc__grpc_retry_init(struct arc_grpc_retry_policy *retry, const arc_grpc_retry *given,
                                arc_err *err)
{
    arc_grpc_retry options = ARC_GRPC_RETRY_INIT;
    if (given != NULL)
        ARC_TRY(arc__options_read(given, sizeof(options), &options, "retry", err));
    uint32_t none = ~((UINT32_C(1) << (ARC_GRPC_UNAUTHENTICATED + 1)) - 1) | 1U << ARC_GRPC_OK;
    ARC_REQUIRE((options.codes & none) == 0, err, "retry.codes");
    uint32_t attempts = options.attempts_max != 0 ? options.attempts_max : ATTEMPTS;
    uint64_t least = options.backoff_min_ms != 0 ? options.backoff_min_ms : BACKOFF_MIN_MS;
    uint64_t most = options.backoff_max_ms != 0 ? options.backoff_max_ms : BACKOFF_MAX_MS;
    *retry = (struct arc_grpc_retry_policy){
        .on = given != NULL,
        .attempts_max =
            attempts < ARC_GRPC_RETRY_ATTEMPTS_MAX ? attempts : ARC_GRPC_RETRY_ATTEMPTS_MAX,
        .codes = options.codes != 0 ? options.codes : 1U << ARC_GRPC_UNAVAILABLE,
        .buffer_bytes = options.buffer_bytes != 0 ? options.buffer_bytes : BUFFER_BYTES,
        .backoff_min_ns = least * NS_PER_MS,
        .backoff_max_ns = (most < least ? least : most) * NS_PER_MS,
        .tokens = ARC_GRPC_RETRY_TOKENS_MAX,
    };
    return ARC_OK;
}

uint64_t arc__grpc_retry_jitter(const struct arc_net_env *env, uint64_t bound_ns)
{
    uint64_t random = 0;
    if (bound_ns == UINT64_MAX || env->random(env->user, &random, sizeof(random)) != 0)
        return bound_ns; /* no entropy: the whole wait is the careful one */
    return random % (bound_ns + 1);
}

static void count_success(struct arc_grpc_retry_policy *retry)
{
    retry->tokens += ARC_GRPC_RETRY_TOKENS_SUCCESS;
    if (retry->tokens > ARC_GRPC_RETRY_TOKENS_MAX)
        retry->tokens = ARC_GRPC_RETRY_TOKENS_MAX;
}

/* 1: there are enough left. */
static int count_failure(struct arc_grpc_retry_policy *retry)
{
    retry->tokens -= retry->tokens < ARC_GRPC_RETRY_TOKENS_FAILURE ? retry->tokens
                                                                   : ARC_GRPC_RETRY_TOKENS_FAILURE;
    return retry->tokens > ARC_GRPC_RETRY_TOKENS_MAX / 2;
}

static uint64_t later(uint64_t now_ns, uint64_t wait_ns)
{
    return wait_ns < ARC_NET_NEVER - now_ns ? now_ns + wait_ns : ARC_NET_NEVER - 1;
}

/* The server named the pause. 0: it wants no other attempt. */
static int follow_pushback(const struct arc_grpc_retry_policy *retry,
                           const struct arc_grpc_ending *ending, uint64_t now_ns)
{
    uint64_t ms;
    if (!arc__slice_to_u64(ending->pushback, &ms) || ms > ARC_GRPC_RETRY_PUSHBACK_MAX_MS)
        return 0;
    ending->note->at_ns = later(now_ns, ms * NS_PER_MS);
    ending->note->bound_ns = retry->backoff_min_ns;
    return 1;
}

static void back_off(const struct arc_grpc_retry_policy *retry, const struct arc_net_env *env,
                     struct arc_grpc_again *note, uint64_t now_ns)
{
    uint64_t bound = note->bound_ns != 0 ? note->bound_ns : retry->backoff_min_ns;
    note->at_ns = later(now_ns, arc__grpc_retry_jitter(env, bound));
    note->bound_ns = bound > retry->backoff_max_ns / 2 ? retry->backoff_max_ns : 2 * bound;
}

int arc__grpc_retry_decide(struct arc_grpc_retry_policy *retry, const struct arc_net_env *env,
                           const struct arc_grpc_ending *ending, uint64_t now_ns)
{
    struct arc_grpc_again *note = ending->note;
    if (ending->code == ARC_GRPC_OK) {
        count_success(retry);
        return 0;
    }
    /* Nobody has seen it: that is no attempt of the policy, but it is tried only once so. */
    if (ending->unprocessed && !ending->waiting && ending->may_again && !note->unseen) {
        note->unseen = 1;
        note->at_ns = 0;
        return 1;
    }
    if (!retry->on || !note->idempotent || (retry->codes >> ending->code & 1) == 0)
        return 0;
    int enough = count_failure(retry);
    if (!enough || !ending->may_again || note->attempts + 1 >= retry->attempts_max)
        return 0;
    if (ending->pushback.ptr != NULL) {
        if (!follow_pushback(retry, ending, now_ns))
            return 0;
    } else {
        back_off(retry, env, note, now_ns);
    }
    note->attempts++;
    return 1;
}
