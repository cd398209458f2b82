#include "group.h"

#include <string.h>

/* S_i of a group of 64 takes 480 bytes; the one of the next epoch takes its turn in the other half. */
#define PERSONAL_KEY 560
/* 2.05, and text/plain */
enum { CONTENT = 69, TEXT_PLAIN = 0 };

static iotchain_member member;
static iotchain_sender sender;
static uint8_t address[20];
static uint8_t personal_key[PERSONAL_KEY];

static const char *const path[] = { "temperature" };
static const iotchain_resource temperature = { address, path, 1, NULL, 0 };

iotchain_err group_join(const uint8_t *response, size_t response_len, const uint8_t rs[20], const uint8_t *cnonce,
                        size_t cnonce_len, const uint8_t key_server[32], const iotchain_rng *random)
{
    static iotchain_join_response verified;
    iotchain_err err;

    err = iotchain_join_response_verify(&verified, response, response_len, cnonce, cnonce_len, key_server);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    iotchain_sender_wipe(&sender);
    iotchain_member_wipe(&member);
    memcpy(address, rs, sizeof address);
    err = iotchain_member_join(&member, &verified, personal_key, sizeof personal_key, 0);
    if (err == IOTCHAIN_ERR_OK) {
        err = iotchain_sender_init_random(&sender, &member, random, 0);
    }
    iotchain_join_response_wipe(&verified);
    return err;
}

iotchain_err group_broadcast(const uint8_t *message, size_t message_len)
{
    iotchain_received received;

    return iotchain_member_receive(&member, message, message_len, group_now(), &received);
}

/* Two digits and the sign: all that a thermometer of a living room needs. */
static size_t text_of(int celsius, uint8_t *text)
{
    size_t len = 0;

    if (celsius < 0) {
        text[len++] = '-';
        celsius = -celsius;
    }
    text[len++] = (uint8_t)('0' + celsius / 10 % 10);
    text[len++] = (uint8_t)('0' + celsius % 10);
    return len;
}

iotchain_err group_temperature(const uint8_t *token, size_t token_len, int celsius, uint8_t *payload, size_t payload_cap,
                               size_t *payload_len)
{
    uint8_t text[3];
    uint32_t session;
    iotchain_err err;

    /* not a member yet, or the session is over and the next was not announced: nothing may be sealed */
    err = iotchain_sender_enter(&sender, &member, group_now(), &session);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    return iotchain_sender_seal_response(&sender, &temperature, CONTENT, token, token_len, TEXT_PLAIN, text,
                                         text_of(celsius, text), payload, payload_cap, payload_len);
}
