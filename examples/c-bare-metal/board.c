/* A resource server on a microcontroller: it joins a group, follows its sessions, seals readings out and opens commands.
 *
 *   line --- challenge, join response, broadcasts ---> member
 *        <-- readings: for one request, or signed ---- sender
 *        --- commands of clients --------------------> clients, then the LED
 *
 * The line of a bench stands in for CoAP and DTLS; everything between line_read and line_answer is what a handler of a real
 * CoAP stack does. */
#include "line.h"
#include "port.h"

#include <iotchain.h>

/* Longest message: a join response of a group of 64 with its broadcasts. */
#define MESSAGE 1408
/* S_i of a group of 64 takes 480 bytes; the one of the next epoch takes its turn in the other half. */
#define PERSONAL_KEY 560
/* Readings and states are short texts. */
#define TEXT 16
/* When a representation was signed is told in seconds of the key server's clock. */
#define VALID 3600

enum { CONTENT = 0x45, CHANGED = 0x44, UNAUTHORIZED = 0x81, METHOD_NOT_ALLOWED = 0x85 };
enum { FETCH = 5, PUT = 3 };

static struct {
    iotchain_signing_key key;
    iotchain_signer signer;
    iotchain_member member;
    iotchain_sender sender;
    iotchain_clients clients;
    iotchain_join_response response; /* only while joining */
    iotchain_mark mark;
    uint8_t rs[20];
    uint8_t cnonce[16];
    uint8_t key_server[32];
    uint8_t personal_key[PERSONAL_KEY];
    uint8_t message[MESSAGE];
    char led; /* '0' or '1' */
} board;

static const iotchain_rng rng = {port_random, NULL};
static const char *const sensor_path[] = {"sensor"};
static const char *const led_path[] = {"led"};
static const iotchain_resource sensor = {board.rs, sensor_path, 1, NULL, 0};
static const iotchain_resource led = {board.rs, led_path, 1, NULL, 0};

/* The reading as text, e.g. "21.5 C"; its length. */
static size_t reading(uint8_t text[TEXT])
{
    int tenths = port_sensor();
    size_t len = 0;

    if (tenths < 0) {
        text[len++] = '-';
        tenths = -tenths;
    }
    if (tenths >= 1000) {
        text[len++] = (uint8_t)('0' + tenths / 1000 % 10);
    }
    text[len++] = (uint8_t)('0' + tenths / 100 % 10);
    text[len++] = (uint8_t)('0' + tenths / 10 % 10);
    text[len++] = '.';
    text[len++] = (uint8_t)('0' + tenths % 10);
    text[len++] = ' ';
    text[len++] = 'C';
    return len;
}

static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    while (len-- > 0) {
        *to++ = *from++;
    }
}

static void wipe(volatile uint8_t *p, size_t len)
{
    while (len-- > 0) {
        *p++ = 0;
    }
}

/* Version and public key. A product makes its key once and keeps it in protected flash. */
static iotchain_err hello(size_t *len)
{
    iotchain_err err = iotchain_signing_key_generate(&board.key, IOTCHAIN_ES256K, &rng);

    if (err == IOTCHAIN_ERR_OK) {
        err = iotchain_signing_key_signer(&board.key, &board.signer);
    }
    if (err == IOTCHAIN_ERR_OK) {
        line_put_u32(board.message, iotchain_abi_version());
        copy(board.message + 4, board.signer.key.x, 32);
        copy(board.message + 36, board.signer.key.y, 32);
        *len = 68;
    }
    return err;
}

/* exporter(32) rs(20) name_len(1) name transfer-response: the answer is the join request, with the proof of our key. */
static iotchain_err challenge(size_t message_len, size_t *len)
{
    iotchain_transfer_response transfer;
    iotchain_token_ref token = {0, {0}, {0}};
    iotchain_binding binding = {IOTCHAIN_BINDING_EXPORTER, {0}};
    iotchain_scope scope;
    iotchain_pop_input input;
    char name[33];
    uint8_t proof[64];
    size_t name_len;
    iotchain_err err;

    if (message_len < 53 || (name_len = board.message[52]) >= sizeof name || message_len < 53 + name_len) {
        return IOTCHAIN_ERR_TRUNCATED;
    }
    copy(binding.value, board.message, 32);
    copy(board.rs, board.message + 32, 20);
    copy(token.client, board.rs, 20);
    copy((uint8_t *)name, board.message + 53, name_len);
    name[name_len] = 0;
    err = iotchain_transfer_response_parse(board.message + 53 + name_len, message_len - 53 - name_len, &transfer);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    /* what the join response has to be signed with, and for */
    copy(board.key_server, transfer.key_server, 32);
    if (port_random(NULL, board.cnonce, sizeof board.cnonce) != 0) {
        return IOTCHAIN_ERR_RANDOM;
    }
    scope.group = name;
    scope.roles = IOTCHAIN_ROLE_PRODUCER;
    input.binding = &binding;
    input.key_server = board.key_server;
    input.token = &token;
    input.scope = &scope;
    input.challenge = transfer.challenge;
    input.cnonce = board.cnonce;
    input.cnonce_len = sizeof board.cnonce;
    err = iotchain_pop_sign_server(&input, &board.signer, proof);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    return iotchain_join_request_encode(&input, proof, sizeof proof, &board.signer.key, board.message, MESSAGE, len);
}

/* Takes in what a verified join response grants. */
static iotchain_err enter_group(void)
{
    uint8_t secret[32];
    iotchain_err err = iotchain_join_response_server_secret(&board.response, secret);

    if (err == IOTCHAIN_ERR_OK) {
        iotchain_clients_wipe(&board.clients);
        err = iotchain_clients_init(&board.clients, secret, &rng, 0);
    }
    wipe(secret, sizeof secret);
    if (err == IOTCHAIN_ERR_OK) {
        iotchain_member_wipe(&board.member);
        err = iotchain_member_join(&board.member, &board.response, board.personal_key, PERSONAL_KEY, 0);
    }
    if (err == IOTCHAIN_ERR_OK) {
        iotchain_sender_wipe(&board.sender);
        err = iotchain_sender_init_random(&board.sender, &board.member, &rng, 0);
    }
    return err;
}

/* now(8) join-response */
static iotchain_err join(size_t message_len)
{
    iotchain_err err;

    if (message_len < 8) {
        return IOTCHAIN_ERR_TRUNCATED;
    }
    err = iotchain_join_response_verify(&board.response, board.message + 8, message_len - 8, board.cnonce,
                                        sizeof board.cnonce, board.key_server);
    if (err == IOTCHAIN_ERR_OK) {
        err = enter_group();
    }
    iotchain_join_response_wipe(&board.response);
    wipe(board.message, message_len);
    return err;
}

/* now(8) event or beacon: the answer is the newest session. */
static iotchain_err broadcast(size_t message_len, size_t *len)
{
    iotchain_received received;
    iotchain_err err;

    if (message_len < 8) {
        return IOTCHAIN_ERR_TRUNCATED;
    }
    err = iotchain_member_receive(&board.member, board.message + 8, message_len - 8, line_u64(board.message), &received);
    if (err == IOTCHAIN_ERR_OK) {
        err = iotchain_member_mark(&board.member, &board.mark);
    }
    if (err == IOTCHAIN_ERR_OK) {
        line_put_u32(board.message, board.mark.session);
        *len = 4;
    }
    return err;
}

/* now(8) token: a reading for whoever asked with this Token. */
static iotchain_err get(size_t message_len, size_t *len)
{
    uint8_t token[8], text[TEXT];
    uint32_t session;
    iotchain_err err;

    if (message_len < 8 || message_len > 8 + sizeof token) {
        return IOTCHAIN_ERR_BINDING;
    }
    copy(token, board.message + 8, message_len - 8);
    err = iotchain_sender_enter(&board.sender, &board.member, line_u64(board.message), &session);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    return iotchain_sender_seal_response(&board.sender, &sensor, CONTENT, token, message_len - 8,
                                         IOTCHAIN_NO_CONTENT_FORMAT, text, reading(text), board.message, MESSAGE, len);
}

/* now(8): a signed reading that proxies may keep. */
static iotchain_err publish(size_t message_len, size_t *len)
{
    uint8_t text[TEXT];
    uint64_t now;
    uint32_t session;
    iotchain_err err;

    if (message_len < 8) {
        return IOTCHAIN_ERR_TRUNCATED;
    }
    now = line_u64(board.message);
    err = iotchain_sender_enter(&board.sender, &board.member, now, &session);
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    return iotchain_sender_seal_signed(&board.sender, &sensor, now, now + VALID, IOTCHAIN_NO_CONTENT_FORMAT, text,
                                       reading(text), &board.signer, board.message, MESSAGE, len);
}

/* Carries an authentic request out; returns the response code, and the text of the answer. */
static uint8_t carry_out(uint8_t method, const uint8_t *body, size_t body_len, uint8_t *answer, size_t *answer_len)
{
    *answer_len = 0;
    switch (method) {
    case PUT:
        if (body_len != 1 || (body[0] != '0' && body[0] != '1')) {
            return METHOD_NOT_ALLOWED;
        }
        board.led = (char)body[0];
        port_led(board.led == '1');
        return CHANGED;
    case FETCH:
        answer[0] = (uint8_t)board.led;
        *answer_len = 1;
        return CONTENT;
    default:
        return METHOD_NOT_ALLOWED;
    }
}

/* now(8) method(1) echo_len(1) echo object: the answer is code(1), then the sealed reply or, behind 4.01, an Echo value. */
static iotchain_err request(size_t message_len, size_t *len)
{
    static const uint8_t endpoint[] = {'l', 'i', 'n', 'e'};
    iotchain_request request;
    iotchain_reply reply = {{0}};
    uint8_t echo[40], text[TEXT];
    uint8_t *object = board.message + 10;
    size_t object_len, echo_len, text_len;
    iotchain_err err;

    if (message_len < 10 || (echo_len = board.message[9]) > sizeof echo || message_len < 10 + echo_len) {
        return IOTCHAIN_ERR_TRUNCATED;
    }
    copy(echo, object, echo_len);
    object += echo_len;
    object_len = message_len - 10 - echo_len;

    request.method = board.message[8];
    request.every_echo = request.method != FETCH; /* what changes something is fresh */
    request.echo = echo_len > 0 ? echo : NULL;
    request.echo_len = echo_len;
    request.endpoint = endpoint;
    request.endpoint_len = sizeof endpoint;
    request.now = line_u64(board.message);
    request.uptime = (uint32_t)request.now; /* a board with a timer takes that */

    err = iotchain_member_open_request(&board.member, &led, &board.clients, &request, object, object_len, object,
                                       object_len, &object_len, NULL, &reply);
    if (err == IOTCHAIN_ERR_ECHO) {
        board.message[0] = UNAUTHORIZED;
        *len = 1 + IOTCHAIN_ECHO;
        return iotchain_clients_challenge(&board.clients, endpoint, sizeof endpoint, request.uptime, board.message + 1);
    }
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    board.message[0] = carry_out(request.method, object, object_len, text, &text_len);
    err = iotchain_reply_seal(&reply, &led, board.message[0], IOTCHAIN_NO_CONTENT_FORMAT, text, text_len,
                              board.message + 1, MESSAGE - 1, len);
    *len += 1;
    return err;
}

/* Everything that a member is goes to flash, sealed, and comes back: the answer is the length of the sealed state. Here the frame
 * buffer plays the flash. */
static iotchain_err deep_sleep(size_t *len)
{
    static uint8_t sleep_key[16]; /* a product has it in protected flash, beside its personal key */
    uint8_t *flash = board.message, *state = board.message + PERSONAL_KEY;
    size_t key_len, state_len;
    iotchain_err err;

    if (port_random(NULL, sleep_key, sizeof sleep_key) != 0) {
        return IOTCHAIN_ERR_RANDOM;
    }
    err = iotchain_member_personal_key(&board.member, 0, flash, PERSONAL_KEY, &key_len);
    if (err == IOTCHAIN_ERR_OK) {
        err = iotchain_member_sleep(&board.member, sleep_key, &rng, state, MESSAGE - PERSONAL_KEY, &state_len);
    }
    if (err != IOTCHAIN_ERR_OK) {
        return err;
    }
    iotchain_member_wipe(&board.member);
    iotchain_sender_wipe(&board.sender);

    copy(board.personal_key, flash, key_len);
    err = iotchain_member_wake(&board.member, board.personal_key, key_len, NULL, 0, sleep_key, state, state_len, &board.mark);
    if (err == IOTCHAIN_ERR_OK) {
        err = iotchain_sender_init_random(&board.sender, &board.member, &rng, 0);
    }
    wipe(flash, key_len);
    board.message[0] = (uint8_t)(state_len >> 8);
    board.message[1] = (uint8_t)state_len;
    *len = 2;
    return err;
}

int main(void)
{
    port_start();
    board.led = '0';
    for (;;) {
        uint8_t kind;
        size_t message_len = line_read(&kind, board.message, MESSAGE);
        size_t len = 0;
        iotchain_err err = IOTCHAIN_ERR_SIZE;

        if (message_len <= MESSAGE) {
            switch (kind) {
            case LINE_HELLO:
                err = hello(&len);
                break;
            case LINE_CHALLENGE:
                err = challenge(message_len, &len);
                break;
            case LINE_JOIN:
                err = join(message_len);
                break;
            case LINE_BROADCAST:
                err = broadcast(message_len, &len);
                break;
            case LINE_GET:
                err = get(message_len, &len);
                break;
            case LINE_PUBLISH:
                err = publish(message_len, &len);
                break;
            case LINE_REQUEST:
                err = request(message_len, &len);
                break;
            case LINE_SLEEP:
                err = deep_sleep(&len);
                break;
            case LINE_END:
                line_answer(kind, IOTCHAIN_ERR_OK, NULL, 0);
                iotchain_member_wipe(&board.member);
                iotchain_sender_wipe(&board.sender);
                iotchain_clients_wipe(&board.clients);
                iotchain_signing_key_wipe(&board.key);
                port_end();
            default:
                err = IOTCHAIN_ERR_TYPE;
            }
        }
        line_answer(kind, err, board.message, len);
    }
}
