/* SPDX-License-Identifier: Apache-2.0 */
/* A channel's calls between connections: the lobby, on wires of memory. */
#include "pair.h"

#include <string.h>

/* Two pairs whose clients share a lobby, and a keeper that does what it is told. */
struct station {
    struct pair one, two;
    struct arc_grpc_conn *lobby;
    struct arc_grpc_keeper keeper;
    int wants; /* so many attempts more */
    int told, may_again, waiting, unprocessed, code;
    char pushback[16];
};

static int ended(void *owner, const struct arc_grpc_ending *ending)
{
    struct station *station = owner;
    station->told++;
    station->may_again = ending->may_again;
    station->waiting = ending->waiting;
    station->unprocessed = ending->unprocessed;
    station->code = ending->code;
    (void)arc__slice_to_cstr(ending->pushback, station->pushback, sizeof(station->pushback));
    if (station->wants == 0)
        return 0;
    station->wants--;
    ending->note->attempts++;
    return 1;
}

static arc_status station_open(struct station *station, const struct arc_mem *mem)
{
    struct arc_grpc_config config = ARC_GRPC_CONFIG_INIT;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    *station = (struct station){.wants = 0};
    ARC_TRY(pair_open(&station->one, mem, NULL, NULL));
    ARC_TRY(pair_open(&station->two, mem, NULL, NULL));
    arc_env env = arc__mem_to_env(&station->one.mem);
    config.env = &env;
    config.limits = &limits;
    config.peer = "service";
    ARC_TRY(arc_grpc_conn_new(&config, station->one.now_ns, &station->lobby, NULL));
    station->keeper = (struct arc_grpc_keeper){station->lobby, 1000, ended, station};
    arc__grpc_conn_set_keeper(station->lobby, &station->keeper);
    arc__grpc_conn_set_keeper(station->one.client, &station->keeper);
    arc__grpc_conn_set_keeper(station->two.client, &station->keeper);
    return ARC_OK;
}

static void station_close(struct station *station)
{
    station->wants = 0;
    pair_close(&station->one);
    pair_close(&station->two);
    arc_grpc_conn_free(station->lobby);
}

static arc_status wait(struct station *station, const char *path, uint64_t deadline_ns,
                       struct seen *seen)
{
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    const struct arc_grpc_field field = {ARC_LIT("x-raw-bin"), ARC_LIT("\x00\xff")};
    request.path = arc__slice_cstr(path);
    request.fields = &field;
    request.count = 1;
    request.deadline_ns = deadline_ns != 0 ? deadline_ns : ARC_GRPC_NEVER;
    return arc_grpc_call_open(station->lobby, &request, &seen_events, seen, &seen->call, NULL);
}

static arc_status hand_over(struct pair *pair, struct seen *seen)
{
    const struct arc_grpc_field field = {ARC_LIT("authorization"), ARC_LIT("Bearer t")};
    return arc__grpc_call_reopen(seen->call, pair->client, pair->now_ns, &field, 1, NULL);
}

static void tick(struct station *station)
{
    if (arc_grpc_conn_get_deadline(station->lobby) <= station->one.now_ns)
        arc_grpc_conn_tick(station->lobby, station->one.now_ns);
}

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

static void check_empty(const struct station *station)
{
    const struct arc_grpc_conn *const conns[] = {station->lobby, station->one.client,
                                                 station->two.client};
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(arc_grpc_conn_get_calls(conns[i]), 0);
        CHECK_INT(arc_grpc_conn_get_queued(conns[i]), 0);
        CHECK_INT(arc_grpc_conn_get_held(conns[i]), 0);
    }
}

static void waits_and_goes(void)
{
    struct station station;
    struct seen seen = {0};
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Echo", station.one.now_ns + 9 * PAIR_S, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("early"), NULL));
    arc_grpc_call_half_close(seen.call);
    CHECK_INT(arc_grpc_call_get_queued(seen.call), 10);
    CHECK_INT(arc_grpc_conn_get_queued(station.lobby), 10);
    station.one.now_ns += PAIR_S;
    CHECK_OK(hand_over(&station.one, &seen));
    CHECK_INT(arc_grpc_conn_get_calls(station.lobby), 0);
    CHECK(arc_grpc_call_get_conn(seen.call) == station.one.client);
    pair_pump(&station.one);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(seen.first), "early");
    CHECK_TEXT(arc__slice_cstr(station.one.service.authorization), "Bearer t");
    CHECK_INT(station.one.service.metadata_seen, 3); /* user-agent, x-raw-bin, authorization */
    CHECK_INT(station.one.service.deadline_ns, 1009 * PAIR_S);
    CHECK_INT(station.told, 1);
    CHECK_INT(station.may_again, 0);
    check_empty(&station);
    station_close(&station);
}

static void moves_to_another(void)
{
    struct station station;
    struct seen seen = {0};
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Hang", 0, &seen));
    struct arc_grpc_call *call = seen.call;
    CHECK_OK(arc_grpc_call_send(call, ARC_LIT("one"), NULL));
    CHECK_OK(hand_over(&station.one, &seen));
    pair_pump(&station.one);
    CHECK_INT(station.one.service.messages, 1);
    CHECK_OK(arc_grpc_call_send(call, ARC_LIT("two"), NULL)); /* on its way when it is lost */
    station.wants = 1;
    arc_grpc_conn_eof(station.one.client, station.one.now_ns);
    CHECK_INT(station.told, 1);
    CHECK_INT(station.unprocessed, 0);
    CHECK_INT(seen.statuses, 0);
    CHECK(seen.call == call && arc_grpc_call_get_conn(call) == station.lobby);
    CHECK_INT(arc_grpc_call_get_queued(call), 16);
    CHECK_OK(arc_grpc_call_send(call, ARC_LIT("three"), NULL));
    CHECK_OK(hand_over(&station.two, &seen));
    pair_pump(&station.two);
    CHECK_INT(station.two.service.messages, 3);
    CHECK_INT(station.two.service.bytes, 11);
    CHECK_INT(station.two.service.metadata_seen, 4); /* how often it was tried before */
    arc_grpc_call_cancel(call);
    pair_pump(&station.two);
    check_done(&seen, ARC_GRPC_CANCELLED);
    CHECK_INT(station.told, 1);
    check_empty(&station);
    station_close(&station);
}

/* The trailers of a call that is still sending: the stream is given up, the call is not. */
static void refused_while_sending(void)
{
    struct station station;
    struct seen seen = {0};
    CHECK_OK(station_open(&station, NULL));
    station.wants = 1;
    CHECK_OK(wait(&station, "/t/Fail", 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("one"), NULL));
    CHECK_OK(hand_over(&station.one, &seen));
    pair_pump(&station.one);
    CHECK_INT(station.code, ARC_GRPC_NOT_FOUND);
    CHECK_INT(station.may_again, 1);
    CHECK_INT(seen.statuses, 0);
    CHECK(arc_grpc_call_get_conn(seen.call) == station.lobby);
    CHECK_INT(station.one.client_end, ARC_OK);
    CHECK_INT(station.one.server_end, ARC_OK);
    CHECK_OK(hand_over(&station.one, &seen)); /* the same connection goes on */
    pair_pump(&station.one);
    check_done(&seen, ARC_GRPC_NOT_FOUND);
    CHECK_INT(seen.trailers, 2);
    CHECK_INT(station.one.service.calls, 2);
    check_empty(&station);
    station_close(&station);
}

static void ends_in_the_lobby(void)
{
    struct station station;
    struct seen late = {0}, cancelled = {0}, failed = {0}, patient = {0}, given_up = {0};
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Hang", station.one.now_ns + PAIR_S, &late));
    CHECK_OK(wait(&station, "/t/Hang", 0, &cancelled));
    arc_grpc_call_cancel(cancelled.call);
    tick(&station);
    check_done(&cancelled, ARC_GRPC_CANCELLED);
    station.one.now_ns += PAIR_S;
    tick(&station);
    check_done(&late, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_OK(wait(&station, "/t/Hang", 0, &failed));
    CHECK_OK(wait(&station, "/t/Hang", 0, &patient));
    CHECK_OK(wait(&station, "/t/Hang", 0, &given_up));
    arc__grpc_call_note(patient.call)->wait_for_ready = 1;
    arc__grpc_call_give_up(given_up.call, ARC_GRPC_WHY_CANCELLED, ARC_GRPC_UNAUTHENTICATED, "no");
    check_done(&given_up, ARC_GRPC_UNAUTHENTICATED);
    arc__grpc_lobby_fail(station.lobby, station.one.now_ns, "nobody there");
    check_done(&failed, ARC_GRPC_UNAVAILABLE);
    CHECK_TEXT(arc__slice_cstr(failed.text), "nobody there");
    CHECK_INT(failed.unprocessed, 1);
    CHECK_INT(patient.statuses, 0);
    arc_grpc_call_drop(patient.call);
    tick(&station);
    CHECK_INT(patient.statuses, 0);
    check_empty(&station);
    station_close(&station);
}

static void count(void *user, struct arc_grpc_call *call)
{
    int *times = user;
    ++*times;
    (void)call;
}

static void times_of_the_lobby(void)
{
    struct station station;
    struct seen now = {0}, later = {0};
    uint64_t next = 0;
    int times = 0;
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Hang", 0, &now));
    CHECK_OK(wait(&station, "/t/Hang", 0, &later));
    arc__grpc_call_note(later.call)->at_ns = station.one.now_ns + 5 * PAIR_S;
    CHECK_INT(arc__grpc_lobby_each(station.lobby, station.one.now_ns, count, &times, &next), 1);
    CHECK_INT(times, 1);
    CHECK_INT(next, station.one.now_ns + 5 * PAIR_S);
    CHECK_INT(arc__grpc_lobby_each(station.lobby, next, count, &times, &next), 2);
    CHECK_INT(next, ARC_GRPC_NEVER);
    station_close(&station);
    CHECK_INT(now.closes, 1);
    CHECK_INT(later.closes, 1);
}

/* What an event of one call does to another that is on its way back to the lobby. */
enum deed { CANCEL, DROP, SAY, EXPIRE };

struct meddler {
    struct arc_grpc_call *other;
    enum deed deed;
    int done;
};

static void meddle(void *user, struct arc_grpc_call *call, const struct arc_grpc_status *status)
{
    struct meddler *meddler = user;
    (void)call;
    (void)status;
    meddler->done++;
    switch (meddler->deed) {
    case CANCEL:
        arc_grpc_call_cancel(meddler->other);
        break;
    case DROP:
        arc_grpc_call_drop(meddler->other);
        break;
    case SAY:
        CHECK_OK(arc_grpc_call_send(meddler->other, ARC_LIT("more"), NULL));
        arc_grpc_call_half_close(meddler->other);
        break;
    case EXPIRE:
        CHECK_OK(arc_grpc_call_set_deadline(meddler->other, 1, NULL));
        break;
    }
}

static void meddled_with(enum deed deed, int code)
{
    static const struct arc_grpc_events events = {.size = sizeof(events), .on_status = meddle};
    struct station station;
    struct seen seen = {0};
    struct meddler meddler = {.deed = deed};
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    struct arc_grpc_call *call = NULL;
    request.path = ARC_LIT("/t/Hang");
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Echo", 0, &seen));
    CHECK_OK(arc_grpc_call_open(station.lobby, &request, &events, &meddler, &call, NULL));
    CHECK_OK(hand_over(&station.one, &seen));
    CHECK_OK(arc__grpc_call_reopen(call, station.one.client, station.one.now_ns, NULL, 0, NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("one and "), NULL));
    pair_pump(&station.one);
    meddler.other = seen.call;
    station.wants = 1; /* for the first of them */
    arc_grpc_conn_eof(station.one.client, station.one.now_ns);
    CHECK_INT(meddler.done, 1);
    tick(&station);
    if (deed == SAY) {
        CHECK_OK(hand_over(&station.two, &seen));
        pair_pump(&station.two);
        CHECK_TEXT(arc__slice_cstr(seen.first), "one and more");
    }
    if (deed == DROP)
        CHECK_INT(seen.closes, 0);
    else
        check_done(&seen, code);
    check_empty(&station);
    station_close(&station);
}

static void meddled_on_the_way(void)
{
    meddled_with(CANCEL, ARC_GRPC_CANCELLED);
    meddled_with(DROP, 0);
    meddled_with(SAY, ARC_GRPC_OK);
    meddled_with(EXPIRE, ARC_GRPC_DEADLINE_EXCEEDED);
}

static void connections_that_take_no_more(void)
{
    struct station station;
    struct seen seen = {0};
    const struct arc_grpc_field bad = {ARC_LIT("grpc-timeout"), ARC_LIT("1S")};
    CHECK_OK(station_open(&station, NULL));
    CHECK_OK(wait(&station, "/t/Echo", station.one.now_ns + 9 * PAIR_S, &seen));
    CHECK_STATUS(
        arc__grpc_call_reopen(seen.call, station.one.client, station.one.now_ns, &bad, 1, NULL),
        ARC_EINVAL);
    arc_grpc_conn_drain(station.one.client, station.one.now_ns);
    CHECK_STATUS(hand_over(&station.one, &seen), ARC_EUNAVAILABLE);
    CHECK_INT(arc_grpc_conn_get_calls(station.lobby), 1);
    CHECK_OK(hand_over(&station.two, &seen));
    arc_grpc_call_half_close(seen.call);
    pair_pump(&station.two);
    check_done(&seen, ARC_GRPC_OK);
    station_close(&station);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct station station;
    struct seen seen = {0};
    int done = 0;
    if (station_open(&station, &mem) == ARC_OK &&
        wait(&station, "/t/Echo", station.one.now_ns + 9 * PAIR_S, &seen) == ARC_OK) {
        if (arc_grpc_call_send(seen.call, ARC_LIT("hello"), NULL) == ARC_OK)
            arc_grpc_call_half_close(seen.call);
        station.wants = 1;
        if (hand_over(&station.one, &seen) == ARC_OK)
            arc_grpc_conn_eof(station.one.client, station.one.now_ns);
        if (seen.closes == 0 && hand_over(&station.two, &seen) == ARC_OK)
            pair_pump(&station.two);
        done = seen.messages == 1 && seen.code == ARC_GRPC_OK;
    }
    station_close(&station);
    CHECK_INT(seen.closes, seen.statuses);
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 1000);
    test_torture(life, 1, 1000);
}

static const struct test tests[] = {
    {"a call waits in the lobby and goes on with what it has", waits_and_goes},
    {"a call moves to another connection, its handle stays", moves_to_another},
    {"a call that is refused while it sends comes back whole", refused_while_sending},
    {"a call can end in the lobby in every way", ends_in_the_lobby},
    {"a call on its way back can be cancelled, dropped and sent to", meddled_on_the_way},
    {"the lobby offers the calls whose time has come", times_of_the_lobby},
    {"a connection that takes no calls leaves them in the lobby", connections_that_take_no_more},
    {"every failed allocation between connections ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
