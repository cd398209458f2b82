/*
 * A client that reads one resource of a running IoTChain, over libcoap with OpenSSL.
 *
 *   client                          key server
 *     | == DTLS ====================> |     certified by the owner
 *     | -- POST /authz-info --------> |     names its token on the ledger
 *     | <- challenge, credential ---- |
 *     | -- POST /ace-group/GROUP ---> |     proves its account's key, on this very connection
 *     | <- personal key, broadcasts - |
 *     |
 *     | -- GET /PATH ---------------> resource server, or proxy: plain CoAP
 *     | <- object ------------------- |     opened with the group key that is derived here
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <coap3/coap.h>
#include <iotchain.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const char USAGE[] =
    "usage: client [--stored] KEY_SERVER CA KEY_FILE CHAIN CONTRACT CLIENT RS GROUP URI\n"
    "  KEY_SERVER  coaps://HOST:PORT, with HOST as in its certificate, which is of the authority in the PEM file CA\n"
    "  KEY_FILE    private key of the account CLIENT, 64 hex digits\n"
    "  URI         coap://HOST:PORT/PATH at the resource server RS; with --stored, coap://HOST:PORT/NAME/PATH at its proxy\n";

#define FORMAT_ACE_CBOR 19
#define FORMAT_ACE_GROUPCOMM 261
#define TOKEN_LEN 8
#define MAX_BODY 65535
#define MAX_SEGMENTS 9
#define PATIENCE_SECONDS 30

struct request {
    coap_pdu_code_t method;
    const char *const *path;
    size_t segments;
    uint16_t format; /* of the body, if there is one */
    const uint8_t *body;
    size_t len;
};

/* The answer under way, as far as its blocks have arrived. libcoap hands them to a callback. */
static struct {
    enum { WAITING, ARRIVED, LOST } state;
    uint8_t token[TOKEN_LEN];
    uint8_t code;
    coap_block_t block;
    uint8_t echo[40];
    size_t echo_len;
    uint8_t body[MAX_BODY];
    size_t len;
} reply;

static iotchain_signing_key account;
static iotchain_member member;
static uint8_t *personal_key;

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "client: %s: %s\n", what, why);
    return 0;
}

static int good(iotchain_err error, const char *what)
{
    return error == IOTCHAIN_ERR_OK || complain(what, iotchain_strerror(error));
}

static int32_t fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    return RAND_bytes(out, (int)len) == 1 ? 0 : -1;
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent, const coap_pdu_t *received, const coap_mid_t mid)
{
    const coap_bin_const_t token = coap_pdu_get_token(received);
    coap_opt_iterator_t options;
    const coap_opt_t *echo = coap_check_option(received, COAP_OPTION_ECHO, &options);
    const uint8_t *data = NULL;
    size_t len = 0;

    (void)session, (void)sent, (void)mid;
    /* Whatever carries another Token is no answer to this request. */
    if (reply.state != WAITING || token.length != TOKEN_LEN || memcmp(token.s, reply.token, TOKEN_LEN) != 0)
        return COAP_RESPONSE_OK;
    if (!coap_get_block(received, COAP_OPTION_BLOCK2, &reply.block))
        memset(&reply.block, 0, sizeof reply.block);
    coap_get_data(received, &len, &data);
    reply.state = LOST;
    if ((size_t)reply.block.num << (reply.block.szx + 4) == reply.len && len <= sizeof reply.body - reply.len) {
        if (len > 0)
            memcpy(reply.body + reply.len, data, len);
        reply.len += len;
        reply.code = (uint8_t)coap_pdu_get_code(received);
        reply.state = ARRIVED;
    }
    if (echo != NULL && coap_opt_length(echo) <= sizeof reply.echo) {
        reply.echo_len = coap_opt_length(echo);
        memcpy(reply.echo, coap_opt_value(echo), reply.echo_len);
    }
    return COAP_RESPONSE_OK;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent, const coap_nack_reason_t reason, const coap_mid_t mid)
{
    (void)session, (void)sent, (void)reason, (void)mid;
    reply.state = LOST;
}

static int add_number(coap_pdu_t *pdu, coap_option_num_t option, unsigned value)
{
    uint8_t bytes[4];

    return coap_add_option(pdu, option, coap_encode_var_safe(bytes, sizeof bytes, value), bytes) > 0;
}

/* Sends a request, or asks for the next block of its answer, and waits for what comes. */
static int exchange_messages(coap_session_t *session, const struct request *request, time_t deadline)
{
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, request->method, session);
    const int is_next = reply.len > 0, has_body = request->len > 0 && !is_next;
    const unsigned next = (unsigned)(reply.len >> (reply.block.szx + 4)) << 4 | reply.block.szx;
    int made = pdu != NULL && coap_add_token(pdu, TOKEN_LEN, reply.token);

    for (size_t i = 0; made && i < request->segments; i++)
        made = coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(request->path[i]), (const uint8_t *)request->path[i]) > 0;
    made = made && (!has_body || add_number(pdu, COAP_OPTION_CONTENT_FORMAT, request->format)) &&
           (!is_next || add_number(pdu, COAP_OPTION_BLOCK2, next)) &&
           (reply.echo_len == 0 || coap_add_option(pdu, COAP_OPTION_ECHO, reply.echo_len, reply.echo) > 0) &&
           (!has_body || coap_add_data(pdu, request->len, request->body));
    reply.state = WAITING;
    if (!made)
        coap_delete_pdu(pdu);
    if (!made || coap_send(session, pdu) == COAP_INVALID_MID)
        return 0;
    while (reply.state == WAITING && time(NULL) < deadline)
        coap_io_process(coap_session_get_context(session), 100);
    return reply.state == ARRIVED;
}

/*
 * Asks and gets a success, which is whole in `reply` then. The Token is that of the first message: an object in the answer is bound
 * to it. Blocks (RFC 7959) are fetched here, because libcoap 4.3.1 loses those of an answer that comes after its acknowledgement.
 */
static int ask(coap_session_t *session, const uint8_t *token, const struct request *request)
{
    const time_t deadline = time(NULL) + PATIENCE_SECONDS;
    const char *what = request->path[0];
    iotchain_problem problem;
    int arrived;

    memcpy(reply.token, token, TOKEN_LEN);
    reply.len = reply.echo_len = 0;
    arrived = exchange_messages(session, request, deadline);
    /* Before it answers at length, a server makes sure that the request is not forged (RFC 9175, 2.4). */
    if (arrived && reply.code == COAP_RESPONSE_CODE_UNAUTHORIZED && reply.echo_len > 0) {
        reply.len = 0;
        arrived = exchange_messages(session, request, deadline);
    }
    while (arrived && reply.block.m)
        arrived = fill(NULL, reply.token, TOKEN_LEN) == 0 && exchange_messages(session, request, deadline);
    if (!arrived)
        return complain(what, "no answer");
    if (COAP_RESPONSE_CLASS(reply.code) == 2)
        return 1;
    if (iotchain_problem_parse(reply.body, reply.len, &problem) == IOTCHAIN_ERR_OK && problem.error != 0)
        return complain(what, iotchain_strerror(problem.error));
    return complain(what, "refused");
}

/* Where a URI leads, and its host as a string of up to 255 characters. */
static int locate(const char *text, coap_uri_scheme_t scheme, coap_uri_t *uri, char *host, coap_address_t *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;

    if (coap_split_uri((const uint8_t *)text, strlen(text), uri) != 0 || uri->scheme != scheme || uri->host.length > 255)
        return complain(text, "no such URI");
    memcpy(host, uri->host.s, uri->host.length);
    host[uri->host.length] = '\0';
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return complain(text, "no such host");
    coap_address_init(address);
    address->size = found->ai_addrlen;
    memcpy(&address->addr, found->ai_addr, found->ai_addrlen);
    coap_address_set_port(address, uri->port);
    freeaddrinfo(found);
    return 1;
}

/*
 * Whether the certificate, of the owner's authority by then, is for the host of the URI. Gives the channel binding that the proof
 * commits to (RFC 9266); the context of the exporter is empty, which is not the same as none.
 */
static int bind_channel(SSL *ssl, const char *host, iotchain_binding *binding)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    X509 *certificate = ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;

    binding->kind = IOTCHAIN_BINDING_EXPORTER;
    return certificate != NULL && SSL_get_verify_result(ssl) == X509_V_OK && SSL_get_extms_support(ssl) == 1 &&
           (X509_check_ip_asc(certificate, host, 0) == 1 ||
            X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1) &&
           SSL_export_keying_material(ssl, binding->value, sizeof binding->value, label, sizeof label - 1,
                                      (const uint8_t *)"", 0, 1) == 1;
}

static coap_session_t *connect_key_server(coap_context_t *context, const char *text, const char *ca, iotchain_binding *binding)
{
    char host[256];
    const time_t deadline = time(NULL) + PATIENCE_SECONDS;
    coap_uri_t uri;
    coap_address_t address;
    coap_session_t *session;
    coap_tls_library_t library;
    coap_dtls_pki_t pki = {.version = COAP_DTLS_PKI_SETUP_VERSION, .verify_peer_cert = 1, .check_common_ca = 1};

    if (!locate(text, COAP_URI_SCHEME_COAPS, &uri, host, &address))
        return NULL;
    pki.pki_key.key_type = COAP_PKI_KEY_PEM;
    pki.pki_key.key.pem.ca_file = ca;
    session = coap_new_client_session_pki(context, NULL, &address, COAP_PROTO_DTLS, &pki);
    while (session != NULL && coap_session_get_state(session) == COAP_SESSION_STATE_HANDSHAKE && time(NULL) < deadline)
        coap_io_process(context, 100);
    if (session != NULL && coap_session_get_state(session) == COAP_SESSION_STATE_ESTABLISHED &&
        bind_channel(coap_session_get_tls(session, &library), host, binding))
        return session;
    complain(text, "no connection with the certified key server");
    coap_session_release(session);
    return NULL;
}

/* Becomes a member by what the key server answered to the proof. */
static int take_part(const iotchain_pop_input *input)
{
    static iotchain_join_response response;
    iotchain_join_info info;
    iotchain_received received;
    const uint8_t *broadcast;
    size_t len;
    iotchain_err error;
    int ok = good(iotchain_join_response_verify(&response, reply.body, reply.len, input->cnonce, input->cnonce_len,
                                                input->key_server), "join response") &&
             good(iotchain_join_response_info(&response, &info), "join response") &&
             (personal_key = malloc(info.personal_key_len)) != NULL &&
             good(iotchain_member_join(&member, &response, personal_key, info.personal_key_len, 0), "join");

    for (size_t i = 0; ok && i < info.broadcasts; i++) {
        iotchain_join_response_broadcast(&response, i, &broadcast, &len);
        error = iotchain_member_receive(&member, broadcast, len, (uint64_t)time(NULL), &received);
        ok = error == IOTCHAIN_ERR_BCAST_OLD || good(error, "broadcast");
    }
    iotchain_join_response_wipe(&response);
    OPENSSL_cleanse(reply.body, sizeof reply.body);
    return ok;
}

/* Names the token, answers the challenge, and takes part in the group. */
static int join(coap_session_t *session, const iotchain_binding *binding, const iotchain_token_ref *token, const char *gname)
{
    const char *const authz_info[] = {"authz-info"}, *const group[] = {"ace-group", gname};
    const iotchain_scope scope = {gname, IOTCHAIN_ROLE_GET};
    uint8_t cnonce[16], coap_token[TOKEN_LEN], proof[65], body[IOTCHAIN_JOIN_REQUEST_MAX];
    struct request transfer = {COAP_REQUEST_CODE_POST, authz_info, 1, FORMAT_ACE_CBOR, body, 0};
    struct request join = {COAP_REQUEST_CODE_POST, group, 2, FORMAT_ACE_GROUPCOMM, body, 0};
    iotchain_transfer_response challenge;
    const iotchain_pop_input input = {binding, challenge.key_server, token, &scope, challenge.challenge, cnonce, sizeof cnonce};
    iotchain_signer signer;

    return fill(NULL, cnonce, sizeof cnonce) == 0 && fill(NULL, coap_token, TOKEN_LEN) == 0 &&
           good(iotchain_transfer_request_encode(token, body, sizeof body, &transfer.len), "token") &&
           ask(session, coap_token, &transfer) &&
           good(iotchain_transfer_response_parse(reply.body, reply.len, &challenge), "challenge") &&
           good(iotchain_signing_key_signer(&account, &signer), "key") &&
           good(iotchain_pop_sign_client(&input, &signer, proof), "proof") &&
           good(iotchain_join_request_encode(&input, proof, sizeof proof, NULL, body, sizeof body, &join.len), "join request") &&
           fill(NULL, coap_token, TOKEN_LEN) == 0 && ask(session, coap_token, &join) && take_part(&input);
}

/* Fetches an object, opens it where it lies and prints what was in it. */
static int read_resource(coap_context_t *context, const char *text, const uint8_t *rs, size_t is_stored)
{
    static iotchain_exchange exchange;
    static iotchain_stored stored;
    const iotchain_rng rng = {fill, NULL};
    const uint64_t now = (uint64_t)time(NULL);
    char host[256], segments[256] = "", *segment;
    const char *path[MAX_SEGMENTS] = {NULL};
    struct request get = {COAP_REQUEST_CODE_GET, path, 0, 0, NULL, 0};
    iotchain_resource resource = {rs, path + is_stored, 0, NULL, 0};
    coap_uri_t uri;
    coap_address_t address;
    coap_session_t *session;
    uint8_t token[TOKEN_LEN];
    size_t len = 0;
    int ok;

    if (!locate(text, COAP_URI_SCHEME_COAP, &uri, host, &address) || uri.path.length >= sizeof segments)
        return 0;
    memcpy(segments, uri.path.s, uri.path.length);
    for (segment = strtok(segments, "/"); segment != NULL && get.segments < MAX_SEGMENTS; segment = strtok(NULL, "/"))
        path[get.segments++] = segment;
    if (get.segments <= is_stored)
        return complain(text, "no path");
    /* A proxy keeps the resources of a server below its name, but an object is bound to the resource at the server. */
    resource.path_count = get.segments - is_stored;

    session = coap_new_client_session(context, NULL, &address, COAP_PROTO_UDP);
    ok = session != NULL && good(iotchain_exchange_begin(&exchange, &rng, token), "request") && ask(session, token, &get);
    iotchain_stored_init(&stored);
    if (ok && is_stored)
        ok = good(iotchain_member_open_stored(&member, &resource, &stored, now, reply.body, reply.len, reply.body,
                                              sizeof reply.body, &len, NULL), "stored object");
    else if (ok)
        ok = good(iotchain_member_open_response(&member, &resource, reply.code, &exchange, NULL, now, reply.body, reply.len,
                                                reply.body, sizeof reply.body, &len, NULL), "object");
    ok = ok && fwrite(reply.body, 1, len, stdout) == len && fflush(stdout) == 0;
    iotchain_exchange_wipe(&exchange);
    iotchain_stored_wipe(&stored);
    coap_session_release(session);
    return ok;
}

/* Reads `len` bytes of hex digits, with or without 0x before them. */
static int parse_hex(const char *text, uint8_t *out, size_t len)
{
    char pair[3] = "";

    text += strncmp(text, "0x", 2) == 0 ? 2 : 0;
    if (strspn(text, "0123456789abcdefABCDEF") != 2 * len)
        return 0;
    for (size_t i = 0; i < len; i++) {
        memcpy(pair, text + 2 * i, 2);
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 1;
}

static int read_key(const char *name)
{
    char line[80] = "";
    uint8_t bytes[32];
    FILE *file = fopen(name, "r");
    int ok = file != NULL && fgets(line, sizeof line, file) != NULL && parse_hex(line, bytes, sizeof bytes);

    if (file != NULL)
        fclose(file);
    ok = ok ? good(iotchain_signing_key_init(&account, IOTCHAIN_ES256K, bytes), name) : complain(name, "no key");
    OPENSSL_cleanse(line, sizeof line);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ok;
}

int main(int argc, char **argv)
{
    const int is_stored = argc > 1 && strcmp(argv[1], "--stored") == 0;
    char **argument = argv + 1 + is_stored;
    coap_context_t *context;
    coap_session_t *session = NULL;
    iotchain_token_ref token;
    iotchain_binding binding;
    uint8_t rs[20];
    int ok = 0;

    if (argc != 10 + is_stored || !parse_hex(argument[4], token.contract, 20) || !parse_hex(argument[5], token.client, 20) ||
        !parse_hex(argument[6], rs, 20)) {
        fputs(USAGE, stderr);
        return 2;
    }
    token.chain = strtoull(argument[3], NULL, 10);

    coap_startup();
    coap_set_log_level(LOG_EMERG);
    context = coap_new_context(NULL);
    if (iotchain_abi_version() == IOTCHAIN_ABI_VERSION && context != NULL && read_key(argument[2])) {
        coap_register_response_handler(context, on_response);
        coap_register_nack_handler(context, on_nack);
        session = connect_key_server(context, argument[0], argument[1], &binding);
        ok = session != NULL && join(session, &binding, &token, argument[7]) &&
             read_resource(context, argument[8], rs, (size_t)is_stored);
    }
    coap_session_release(session);
    coap_free_context(context);
    coap_cleanup();
    iotchain_member_wipe(&member);
    iotchain_signing_key_wipe(&account);
    OPENSSL_cleanse(reply.body, sizeof reply.body);
    free(personal_key);
    return ok ? 0 : 1;
}
