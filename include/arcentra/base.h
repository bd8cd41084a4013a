/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every other header of libarcentra builds on: results and errors, borrowed text, and the
 * environment that a host may give (memory, clocks, random bytes, a log).
 *
 * Words used in every header comment:
 *   Owner   who releases what is returned or passed.
 *   Thread  owner: the one thread that uses the object's arc_ctl; any: any thread at any time;
 *           shared-immutable: may be read by any number of threads at once.
 *   Errors  the statuses that the function answers with, besides ARC_OK.
 *   Since   the first version that has it.
 */
#ifndef ARCENTRA_BASE_H
#define ARCENTRA_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define ARC_BEGIN_DECLS extern "C" {
#define ARC_END_DECLS }
#else
#define ARC_BEGIN_DECLS
#define ARC_END_DECLS
#endif

#if defined(__GNUC__)
#define ARC_API __attribute__((visibility("default")))
#define ARC_MUST_USE __attribute__((warn_unused_result))
#define ARC_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#else
#define ARC_API
#define ARC_MUST_USE
#define ARC_PRINTF(at, first)
#endif

ARC_BEGIN_DECLS

/** A result. Zero is success, everything else is negative. Append only, never renumbered. */
typedef int32_t arc_status;

#define ARC_OK 0
/** Out of memory, or over the memory budget. Nothing has changed. */
#define ARC_ENOMEM (-1)
/** The caller's input is malformed or breaks a rule; `subject` names the part. */
#define ARC_EINVAL (-2)
/** No such object, or not one that the caller may see. */
#define ARC_ENOTFOUND (-3)
/** The present state refuses it, or somebody else was faster. */
#define ARC_ECONFLICT (-4)
/** Not now: come back after the next dispatch or when writable. */
#define ARC_EAGAIN (-5)
/** A named limit was hit. */
#define ARC_ELIMIT (-6)
/** The store, a peer or a service is away. Nothing was done; may be tried again. */
#define ARC_EUNAVAILABLE (-7)
/** No valid credential. */
#define ARC_EUNAUTHENTICATED (-8)
/** A valid credential that does not allow this. */
#define ARC_EDENIED (-9)
/** Not part of this build, or not offered. */
#define ARC_EUNIMPLEMENTED (-10)
/** The deadline passed. */
#define ARC_EDEADLINE (-11)
/** Cancelled by the caller or the peer. */
#define ARC_ECANCELLED (-12)
/** A condition of the call does not hold, for example a stale fence. */
#define ARC_EPRECONDITION (-13)
/** A fault of our own or of a file; the instance refuses further work where it says so. */
#define ARC_EINTERNAL (-14)
/** The operating system refused; the message carries its reason. */
#define ARC_EIO (-15)
/** The peer broke the protocol. */
#define ARC_EPROTOCOL (-16)
/** It exists already. */
#define ARC_EEXISTS (-17)
/** The end: no more will come. Not a failure. */
#define ARC_EDONE (-18)

/** What went wrong, in the caller's storage. Written only on failure. */
typedef struct arc_err {
    uint32_t size;         /* sizeof(arc_err) when the caller was compiled */
    arc_status status;     /* the same number that the function returned */
    uint32_t line, column; /* in the caller's input, 1-based; 0: none */
    char subject[64];      /* the thing: "jobs[2].steps[0].uses", "store" */
    char message[256];     /* one sentence, no newline */
} arc_err;

/** An empty error: `arc_err err = ARC_ERR_INIT;` */
#define ARC_ERR_INIT \
    { \
        (uint32_t)sizeof(arc_err), ARC_OK, 0, 0, {0}, \
        { \
            0 \
        } \
    }

/** Borrowed bytes: not NUL-terminated, not owned, valid as long as what they were taken from. */
typedef struct arc_slice {
    const char *ptr;
    size_t len;
} arc_slice;

/** Log levels of arc_env.log. */
#define ARC_LOG_ERROR 1
#define ARC_LOG_WARN 2
#define ARC_LOG_INFO 3
#define ARC_LOG_DEBUG 4

/**
 * What a host may give instead of the process's own. Any function may be NULL: then the default
 * is taken (realloc and free, CLOCK_BOOTTIME, CLOCK_REALTIME, getrandom, no log).
 * Owner: the host; it outlives everything opened with it. Since: 0.1.
 */
typedef struct arc_env {
    size_t size; /* sizeof(arc_env) */
    void *user;  /* first argument of every function */
    /* realloc's meaning; size 0 frees ptr and answers NULL. */
    void *(*alloc)(void *user, void *ptr, size_t size);
    uint64_t (*now_ns)(void *user);                   /* monotonic, counts through suspend */
    int64_t (*wall_ns)(void *user);                   /* since the Unix epoch, UTC */
    int (*random)(void *user, void *buf, size_t len); /* 0: filled; else: no entropy */
    void (*log)(void *user, int level, const char *scope, const char *text);
} arc_env;

#define ARC_ENV_INIT \
    { \
        sizeof(arc_env), NULL, NULL, NULL, NULL, NULL, NULL \
    }

/**
 * The version of the library that is running, "0.1.0".
 * Owner: the library, static. Thread: any. Since: 0.1.
 */
ARC_API const char *arc_version(void);

/**
 * The stable word of a status: "ok", "not_found", "conflict"; "unknown" for any other number.
 * Owner: the library, static. Thread: any. Since: 0.1.
 */
ARC_API const char *arc_status_name(arc_status status);

ARC_END_DECLS

#endif
