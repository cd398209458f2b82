/* What every function on objects does with storage that was never set up, with null pointers and with wrong numbers. */
#include "check.h"

static int32_t counting(void *ctx, uint8_t *out, size_t len)
{
    uint8_t *next = (uint8_t *)ctx;
    while (len-- > 0) {
        *out++ = (*next)++;
    }
    return 0;
}

static int32_t no_signature(void *ctx, const uint8_t *digest, uint8_t *signature)
{
    (void)ctx;
    (void)digest;
    (void)signature;
    return -1;
}

static const uint8_t server[20] = {7};
static const char *const path[] = {"temp"};
static const iotchain_resource temperature = {server, path, 1, NULL, 0};
static const uint8_t access_key[32] = {1};
static uint8_t out[200];
static size_t out_len;

static void sizes_are_those_of_the_header(void)
{
    CHECK(iotchain_sender_size() == sizeof(iotchain_sender));
    CHECK(iotchain_exchange_size() == sizeof(iotchain_exchange));
    CHECK(iotchain_stored_size() == sizeof(iotchain_stored));
    CHECK(iotchain_commands_size() == sizeof(iotchain_commands));
    CHECK(iotchain_pair_request_size() == sizeof(iotchain_pair_request));
    CHECK(iotchain_clients_size() == sizeof(iotchain_clients));
    CHECK(iotchain_reply_size() == sizeof(iotchain_reply));
    CHECK(iotchain_proxy_size() == sizeof(iotchain_proxy));
}

static void a_sender_needs_a_member(void)
{
    uint8_t next = 1, salt[1] = {1};
    uint32_t session = 7, number = 0;
    iotchain_rng rng = {counting, &next};
    iotchain_member member = {{0}};
    iotchain_sender sender = {{0}};
    iotchain_reserve reserve = {100, 10};
    iotchain_checkpoint point = {7, 100};
    iotchain_origin origin;
    iotchain_signer signer = {{IOTCHAIN_ES256K, {1}, {1}}, no_signature, NULL};
    iotchain_pair_request request = {{0}};

    CHECK(iotchain_sender_init_persisted(&sender, &member, reserve, &point, 0) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_init_counted(&sender, &member, 1, 1, 0) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_init_random(&sender, &member, &rng, 0) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_init_assigned(&sender, NULL, salt, 1, 0) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_sender_enter(&sender, &member, 1, &session) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_set_max_object(&sender, 100) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_origin(&sender, &origin) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_checkpoint_due(&sender, &point) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_checkpoint_stored(&sender, &point) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_seal_response(&sender, &temperature, 69, salt, 1, IOTCHAIN_NO_CONTENT_FORMAT, salt, 1, out,
                                        sizeof out, &out_len) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_seal_signed(&sender, &temperature, 1, 0, IOTCHAIN_NO_CONTENT_FORMAT, salt, 1, &signer, out,
                                      sizeof out, &out_len) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_sender_seal_request(&sender, &temperature, 3, NULL, 0, access_key, IOTCHAIN_NO_CONTENT_FORMAT, salt, 1,
                                       out, sizeof out, &out_len, &request) == IOTCHAIN_ERR_NOT_READY);
    iotchain_sender_wipe(&sender);
    iotchain_sender_wipe(NULL);
    CHECK(session == 7 && point.piv == 100);

    CHECK(iotchain_boot_count(0, &number) == IOTCHAIN_ERR_OK && number == 1);
    CHECK(iotchain_boot_count(41, &number) == IOTCHAIN_ERR_OK && number == 42);
    CHECK(iotchain_boot_count(UINT32_MAX, &number) == IOTCHAIN_ERR_SEQ_EXHAUSTED && number == 42);
    CHECK(iotchain_boot_count(1, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
}

static void a_token_has_4_to_8_bytes(void)
{
    uint8_t next = 1, token[9] = {1}, drawn[IOTCHAIN_MAX_TOKEN];
    iotchain_rng rng = {counting, &next}, none = {NULL, NULL};
    iotchain_exchange exchange = {{0}};

    CHECK(iotchain_exchange_init(&exchange, token, 3) == IOTCHAIN_ERR_BINDING);
    CHECK(iotchain_exchange_init(&exchange, token, 9) == IOTCHAIN_ERR_BINDING);
    CHECK(iotchain_exchange_init(&exchange, NULL, 8) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_exchange_init(NULL, token, 8) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_exchange_init(&exchange, token, 4) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_exchange_begin(&exchange, &none, drawn) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_exchange_begin(&exchange, &rng, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_exchange_begin(&exchange, &rng, drawn) == IOTCHAIN_ERR_OK);
    CHECK(drawn[0] == 1 && drawn[7] == 8);
    iotchain_exchange_wipe(&exchange);
    iotchain_exchange_wipe(NULL);
}

static void opening_needs_a_member(void)
{
    uint8_t token[8] = {0}, object[3] = {0x83, 0x40, 0xa0};
    uint64_t iat = 9;
    iotchain_member member = {{0}};
    iotchain_exchange exchange = {{0}};
    iotchain_stored stored = {{0}};
    iotchain_commands commands = {{0}};
    iotchain_pair_request request = {{0}};
    iotchain_origin origin;

    CHECK(iotchain_exchange_init(&exchange, token, sizeof token) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_member_open_response(&member, &temperature, 69, &exchange, NULL, 1, object, 3, out, sizeof out, &out_len,
                                        NULL) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_stored_export(&stored, out, sizeof out, &out_len) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_stored_iat(&stored, &iat) == IOTCHAIN_ERR_NOT_READY && iat == 9);
    CHECK(iotchain_stored_init(NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_stored_init(&stored) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_stored_iat(&stored, &iat) == IOTCHAIN_ERR_OK && iat == 0);
    CHECK(iotchain_stored_iat(&stored, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_stored_export(&stored, out, 0, &out_len) == IOTCHAIN_ERR_BUFFER && out_len == 1);
    CHECK(iotchain_stored_export(&stored, out, sizeof out, &out_len) == IOTCHAIN_ERR_OK);
    CHECK(out_len == 1 && out[0] == 0x80);
    CHECK(iotchain_stored_import(&stored, &member, out, out_len) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_member_open_stored(&member, &temperature, &stored, 1, object, 3, out, sizeof out, &out_len, NULL) ==
          IOTCHAIN_ERR_NOT_READY);
    iotchain_stored_wipe(&stored);
    iotchain_stored_wipe(NULL);

    CHECK(iotchain_commands_init(NULL, 1) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_commands_init(&commands, 1) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_member_open_command(&member, &temperature, &commands, 1, object, 3, out, sizeof out, &out_len, NULL) ==
          IOTCHAIN_ERR_NOT_READY);
    iotchain_commands_wipe(&commands);
    iotchain_commands_wipe(NULL);

    CHECK(iotchain_pair_request_parse(&request, &member, object, 3) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_pair_request_origin(&request, &origin) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_member_open_reply(&member, &temperature, 68, &request, access_key, 1, object, 3, out, sizeof out, &out_len,
                                     NULL) == IOTCHAIN_ERR_NOT_READY);
    iotchain_pair_request_wipe(&request);
    iotchain_pair_request_wipe(NULL);
    iotchain_exchange_wipe(&exchange);
}

static void clients_need_a_secret_and_randomness(void)
{
    uint8_t next = 1, secret[32] = {3}, sid[4] = {5, 0, 0, 0}, echo[IOTCHAIN_ECHO], other[IOTCHAIN_ECHO];
    unsigned i;
    iotchain_rng rng = {counting, &next}, none = {NULL, NULL};
    iotchain_member member = {{0}};
    iotchain_clients clients = {{0}};
    iotchain_request put = {3, 0, NULL, 0, server, 20, 5, 1};
    iotchain_reply reply = {{0}};

    CHECK(iotchain_clients_init(&clients, secret, &none, 0) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_clients_init(&clients, NULL, &rng, 0) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_clients_retire(&clients, sid, 2) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_clients_challenge(&clients, server, 20, 5, echo) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_clients_init(&clients, secret, &rng, 0) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_clients_challenge(&clients, server, 20, 5, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_clients_challenge(&clients, server, 20, 5, echo) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_clients_challenge(&clients, server, 19, 5, other) == IOTCHAIN_ERR_OK);
    CHECK(echo[3] == 5 && memcmp(echo, other, sizeof echo) != 0);
    CHECK(iotchain_clients_retire(&clients, sid, 4) == IOTCHAIN_ERR_KID);
    for (i = 0; i < IOTCHAIN_CLIENTS_RETIRED; i++) {
        sid[1] = (uint8_t)i;
        CHECK(iotchain_clients_retire(&clients, sid, 2) == IOTCHAIN_ERR_OK);
        CHECK(iotchain_clients_retire(&clients, sid, 2) == IOTCHAIN_ERR_OK);
    }
    CHECK(iotchain_clients_retire(&clients, sid, 3) == IOTCHAIN_ERR_CAPACITY);
    CHECK(iotchain_member_open_request(&member, &temperature, &clients, &put, sid, 4, out, sizeof out, &out_len, NULL,
                                       &reply) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_reply_seal(&reply, &temperature, 68, IOTCHAIN_NO_CONTENT_FORMAT, sid, 4, out, sizeof out, &out_len) ==
          IOTCHAIN_ERR_NOT_READY);
    iotchain_reply_wipe(&reply);
    iotchain_reply_wipe(NULL);
    iotchain_clients_wipe(&clients);
    CHECK(iotchain_clients_challenge(&clients, server, 20, 5, echo) == IOTCHAIN_ERR_NOT_READY);
    iotchain_clients_wipe(NULL);
}

static void a_proxy_knows_senders_of_one_group(void)
{
    uint8_t gid[4] = {1, 2, 3, 4}, sid[3] = {0x80, 0, 0}, object[3] = {0x83, 0x40, 0xa0};
    unsigned i;
    int32_t contradicts = 5;
    iotchain_proxy proxy = {{0}};
    iotchain_proxy_group group = {gid, IOTCHAIN_AES_CCM_16_64_128, IOTCHAIN_ES256K, 2}, other = group;
    iotchain_policy policy = {60, 0, 70000};
    iotchain_public_key key = {IOTCHAIN_ES256K, {1}, {2}};
    iotchain_verified verified;
    iotchain_origin origin;

    CHECK(iotchain_proxy_learn(&proxy, sid, 2, server, &key) == IOTCHAIN_ERR_NOT_READY);
    other.aead = 1;
    CHECK(iotchain_proxy_init(&proxy, &other, NULL) == IOTCHAIN_ERR_ALG);
    other = group;
    other.sign = -8;
    CHECK(iotchain_proxy_init(&proxy, &other, NULL) == IOTCHAIN_ERR_ALG);
    other = group;
    other.sid_len = 4;
    CHECK(iotchain_proxy_init(&proxy, &other, NULL) == IOTCHAIN_ERR_KID);
    CHECK(iotchain_proxy_init(&proxy, &group, &policy) == IOTCHAIN_ERR_SIZE);
    CHECK(iotchain_proxy_init(&proxy, NULL, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_proxy_init(&proxy, &group, NULL) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_proxy_learn(&proxy, sid, 3, server, &key) == IOTCHAIN_ERR_KID);
    key.alg = IOTCHAIN_ESP256;
    CHECK(iotchain_proxy_learn(&proxy, sid, 2, server, &key) == IOTCHAIN_ERR_ALG);
    key.alg = IOTCHAIN_ES256K;
    for (i = 0; i < IOTCHAIN_PROXY_SENDERS; i++) {
        sid[1] = (uint8_t)i;
        CHECK(iotchain_proxy_learn(&proxy, sid, 2, server, &key) == IOTCHAIN_ERR_OK);
        CHECK(iotchain_proxy_learn(&proxy, sid, 2, server, &key) == IOTCHAIN_ERR_OK);
    }
    sid[1] = 99;
    CHECK(iotchain_proxy_learn(&proxy, sid, 2, server, &key) == IOTCHAIN_ERR_CAPACITY);
    CHECK(iotchain_proxy_forget(&proxy, sid, 2) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_proxy_forget(&proxy, sid, 1) == IOTCHAIN_ERR_KID);
    CHECK(iotchain_proxy_check(&proxy, object, 3, &temperature, IOTCHAIN_REPRESENTATION, 1, 0, &verified) ==
          IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_proxy_check(&proxy, object, 3, &temperature, 2, 1, 0, NULL) == IOTCHAIN_ERR_TYPE);
    CHECK(iotchain_proxy_contradiction(&proxy, object, 3, object, 3, &temperature, IOTCHAIN_COMMAND, &contradicts,
                                       &origin) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(contradicts == 5);
    iotchain_proxy_wipe(&proxy);
    iotchain_proxy_wipe(NULL);
    CHECK(iotchain_proxy_forget(&proxy, sid, 2) == IOTCHAIN_ERR_NOT_READY);
}

static void an_object_has_a_compact_form(void)
{
    /* [<< {1: 10, 4: h'8000', 6: h'05', 10: h'a1b2c3d407'} >>, {}, h'0000000000000000'] */
    static const uint8_t object[] = {0x83, 0x51, 0xa4, 1, 10, 4, 0x42, 0x80, 0, 6, 0x41, 5, 10, 0x45, 0xa1,
                                     0xb2, 0xc3, 0xd4, 7, 0xa0, 0x48, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t form[40];
    size_t form_len = 0;

    CHECK(iotchain_object_compact(1, object, sizeof object, form, sizeof form, &form_len) == IOTCHAIN_ERR_ALG);
    CHECK(iotchain_object_compact(IOTCHAIN_AES_CCM_16_128_128, object, sizeof object, form, sizeof form, &form_len) ==
          IOTCHAIN_ERR_ALG);
    CHECK(iotchain_object_compact(IOTCHAIN_AES_CCM_16_64_128, object, sizeof object, form, 3, &form_len) ==
          IOTCHAIN_ERR_BUFFER);
    CHECK(form_len == 18);
    CHECK(iotchain_object_compact(IOTCHAIN_AES_CCM_16_64_128, object, sizeof object, form, sizeof form, &form_len) ==
          IOTCHAIN_ERR_OK);
    CHECK(iotchain_object_expand(IOTCHAIN_AES_CCM_16_64_128, form, 1, out, sizeof out, &out_len) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_object_expand(IOTCHAIN_AES_CCM_16_64_128, form, form_len, out, sizeof out, &out_len) == IOTCHAIN_ERR_OK);
    CHECK(out_len == sizeof object && memcmp(out, object, sizeof object) == 0);
    CHECK(IOTCHAIN_CONTENT_FORMAT == 16 && IOTCHAIN_COMPACT_CONTENT_FORMAT == 65116);
}

int main(void)
{
    sizes_are_those_of_the_header();
    a_sender_needs_a_member();
    a_token_has_4_to_8_bytes();
    opening_needs_a_member();
    clients_need_a_secret_and_randomness();
    a_proxy_knows_senders_of_one_group();
    an_object_has_a_compact_form();
    return failures == 0 ? 0 : 1;
}
