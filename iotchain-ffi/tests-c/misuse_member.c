/* Members, join messages and events that are asked too early, too late, or with nothing. */
#include "check.h"

#define NULL_ARGUMENT IOTCHAIN_ERR_NULL_ARGUMENT
#define NOT_READY IOTCHAIN_ERR_NOT_READY

static uint8_t storage[64];
static uint8_t bytes[64];
static size_t len;

/* A member that is none, and an outlet for everything that it might tell. */
static void ask(iotchain_member *member, iotchain_err expected)
{
    iotchain_received received;
    iotchain_mark mark = {1, 1, 1};
    iotchain_status status;
    iotchain_policy policy = {60, 86400, 2048};
    iotchain_public_key key = {IOTCHAIN_ES256K, {0}, {0}};
    uint64_t starts, ends;

    CHECK(iotchain_member_retire(member) == expected);
    CHECK(iotchain_member_receive(member, bytes, sizeof bytes, 0, &received) == expected);
    CHECK(iotchain_member_announce(member, &mark) == expected);
    CHECK(iotchain_member_learn(member, bytes, 2, bytes, &key) == expected);
    CHECK(iotchain_member_forget(member, bytes, 2) == expected);
    CHECK(iotchain_member_status(member, 0, &status) == expected);
    CHECK(iotchain_member_may_open(member, 1, 0) == expected);
    CHECK(iotchain_member_key(member, 1, bytes) == expected);
    CHECK(iotchain_member_times(member, 1, &starts, &ends) == expected);
    CHECK(iotchain_member_mark(member, &mark) == expected);
    CHECK(iotchain_member_gid(member, bytes) == expected);
    CHECK(iotchain_member_sid(member, bytes, sizeof bytes, &len) == expected);
    CHECK(iotchain_member_set_policy(member, &policy) == expected);
    CHECK(iotchain_member_personal_key(member, 0, bytes, sizeof bytes, &len) == expected);
    CHECK(iotchain_member_sleep(member, bytes, NULL, bytes, sizeof bytes, &len) == expected);
}

static void nobody_wakes_out_of_nothing(void)
{
    iotchain_member member = {{0}};
    uint8_t sealed[40] = {2}, other[16] = {0};

    memset(storage, 0x61, sizeof storage);
    CHECK(iotchain_member_wake(&member, storage, sizeof storage, NULL, 0, bytes, sealed, sizeof sealed, NULL) < 0);
    CHECK(storage[0] == 0 && storage[sizeof storage - 1] == 0);
    CHECK(iotchain_member_wake(&member, NULL, 1, NULL, 0, bytes, sealed, sizeof sealed, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_member_wake(&member, storage, 1, NULL, 0, NULL, sealed, sizeof sealed, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_member_wake(&member, storage, 1, NULL, 0, bytes, NULL, 1, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_member_wake(NULL, storage, 1, other, sizeof other, bytes, sealed, sizeof sealed, NULL)
          == NULL_ARGUMENT);
    CHECK(iotchain_member_wake(&member, storage, 0, NULL, 0, bytes, sealed, 0, NULL) == IOTCHAIN_ERR_TRUNCATED);
    ask(&member, NOT_READY);
}

static void what_is_no_member_says_so(void)
{
    iotchain_member member = {{0}};
    iotchain_join_response response = {{0}};
    int32_t prepared = 7;

    CHECK(iotchain_member_size() == sizeof member);
    ask(&member, NOT_READY);
    ask(NULL, NULL_ARGUMENT);
    CHECK(iotchain_member_join(&member, &response, storage, sizeof storage, 0) == NOT_READY);
    CHECK(iotchain_member_join(&member, NULL, storage, sizeof storage, 0) == NULL_ARGUMENT);
    CHECK(iotchain_member_renew(&member, &response, storage, sizeof storage, &prepared) == NOT_READY);
    CHECK(iotchain_member_renew(NULL, &response, storage, sizeof storage, &prepared) == NULL_ARGUMENT);
    CHECK(prepared == 7);
    iotchain_member_wipe(&member);
    iotchain_member_wipe(NULL);
}

static void what_is_no_event_says_so(void)
{
    iotchain_member member = {{0}};
    iotchain_event event = {{0}};
    iotchain_received received;

    CHECK(iotchain_event_size() == sizeof event);
    CHECK(iotchain_event_start(&event, &member, 0) == NOT_READY);
    CHECK(iotchain_event_start(&event, NULL, 0) == NULL_ARGUMENT);
    CHECK(iotchain_event_push(&event, bytes, 1) == NOT_READY);
    CHECK(iotchain_event_push(NULL, bytes, 1) == NULL_ARGUMENT);
    CHECK(iotchain_event_finish(&event, &member, 0, &received) == NOT_READY);
    CHECK(iotchain_event_finish(&event, NULL, 0, &received) == NULL_ARGUMENT);
    iotchain_event_wipe(&event);
    iotchain_event_wipe(NULL);
}

static void what_is_no_response_says_so(void)
{
    iotchain_join_response response = {{0}};
    iotchain_join_info info;
    const uint8_t *broadcast;

    CHECK(iotchain_join_response_size() == sizeof response);
    CHECK(iotchain_join_response_info(&response, &info) == NOT_READY);
    CHECK(iotchain_join_response_info(NULL, &info) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_broadcast(&response, 0, &broadcast, &len) == NOT_READY);
    CHECK(iotchain_join_response_broadcast(NULL, 0, &broadcast, &len) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_access_key(&response, 0, bytes, bytes + 20) == NOT_READY);
    CHECK(iotchain_join_response_access_key(NULL, 0, bytes, bytes + 20) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_server_secret(&response, bytes) == NOT_READY);
    CHECK(iotchain_join_response_server_secret(NULL, bytes) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_verify(&response, NULL, 1, bytes, 8, bytes) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_verify(&response, bytes, 1, NULL, 8, bytes) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_verify(&response, bytes, 1, bytes, 8, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_join_response_verify(&response, NULL, 0, bytes, 8, bytes) == IOTCHAIN_ERR_TRUNCATED);
    iotchain_join_response_wipe(&response);
    iotchain_join_response_wipe(NULL);
}

static void messages_need_their_bytes(void)
{
    static const uint8_t beacon[] = {0x85, 3, 1, 2, 9, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t session[] = {0x18, 0x2a}, long_form[] = {0x18, 0x05};
    iotchain_token_ref token = {0, {0}, {0}};
    iotchain_transfer_response transfer;
    iotchain_problem problem;
    uint32_t number = 0;

    len = 0;
    CHECK(iotchain_transfer_request_encode(NULL, bytes, sizeof bytes, &len) == NULL_ARGUMENT);
    CHECK(iotchain_transfer_request_encode(&token, bytes, sizeof bytes, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_transfer_request_encode(&token, NULL, sizeof bytes, &len) == NULL_ARGUMENT);
    CHECK(iotchain_transfer_request_encode(&token, NULL, 0, &len) == IOTCHAIN_ERR_BUFFER);
    CHECK(len > 40 && len <= IOTCHAIN_TRANSFER_REQUEST_MAX);
    CHECK(iotchain_transfer_response_parse(NULL, 1, &transfer) == NULL_ARGUMENT);
    CHECK(iotchain_transfer_response_parse(bytes, 0, &transfer) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_transfer_response_parse(bytes, 1, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_join_request_encode(NULL, storage, 65, NULL, bytes, sizeof bytes, &len) == NULL_ARGUMENT);
    CHECK(iotchain_join_request_encode(NULL, storage, 64, NULL, bytes, sizeof bytes, &len)
          == IOTCHAIN_ERR_POP_FORMAT);
    CHECK(iotchain_problem_parse(NULL, 1, &problem) == NULL_ARGUMENT);
    CHECK(iotchain_problem_parse(bytes, 0, &problem) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_problem_parse(bytes, 1, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_access_response_key(NULL, 1, bytes, bytes + 20) == NULL_ARGUMENT);
    CHECK(iotchain_access_response_key(bytes, 1, NULL, bytes + 20) == NULL_ARGUMENT);
    CHECK(iotchain_access_response_key(bytes, 1, bytes, NULL) == NULL_ARGUMENT);

    CHECK(iotchain_num_parse(session, sizeof session, &number) == IOTCHAIN_ERR_OK && number == 42);
    CHECK(iotchain_num_parse(session, 1, &number) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_num_parse(long_form, 2, &number) == IOTCHAIN_ERR_NONMINIMAL);
    CHECK(iotchain_num_parse(session, 2, NULL) == NULL_ARGUMENT);
    CHECK(iotchain_beacon_session(beacon, sizeof beacon, &number) == IOTCHAIN_ERR_OK && number == 9);
    CHECK(iotchain_beacon_session(beacon, sizeof beacon - 1, &number) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_beacon_session(session, sizeof session, &number) == IOTCHAIN_ERR_TYPE);
    CHECK(iotchain_beacon_session(beacon, sizeof beacon, NULL) == NULL_ARGUMENT);
}

int main(void)
{
    what_is_no_member_says_so();
    nobody_wakes_out_of_nothing();
    what_is_no_event_says_so();
    what_is_no_response_says_so();
    messages_need_their_bytes();
    return failures == 0 ? 0 : 1;
}
