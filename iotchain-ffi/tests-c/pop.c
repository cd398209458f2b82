/* Proofs of possession: what a client or a resource server answers to a challenge. */
#include "check.h"

static const uint8_t ZERO[32] = {0};

struct proof {
    iotchain_binding binding;
    iotchain_token_ref token;
    iotchain_scope scope;
    uint8_t key_server[32];
    uint8_t challenge[28];
    uint8_t cnonce[8];
    iotchain_pop_input input;
};

static void prepare(struct proof *proof)
{
    memset(proof, 0, sizeof *proof);
    proof->binding.kind = IOTCHAIN_BINDING_EXPORTER;
    proof->token.chain = 1337;
    proof->scope.group = "0007.fa870181";
    proof->scope.roles = IOTCHAIN_ROLE_GET;
    proof->input.binding = &proof->binding;
    proof->input.key_server = proof->key_server;
    proof->input.token = &proof->token;
    proof->input.scope = &proof->scope;
    proof->input.challenge = proof->challenge;
    proof->input.cnonce = proof->cnonce;
    proof->input.cnonce_len = sizeof proof->cnonce;
}

static void the_digest_depends_on_all_of_the_input(void)
{
    struct proof proof;
    uint8_t first[32], second[32];

    prepare(&proof);
    CHECK(iotchain_pop_digest(&proof.input, first) == IOTCHAIN_ERR_OK);
    proof.binding.kind = IOTCHAIN_BINDING_CERTIFICATE;
    CHECK(iotchain_pop_digest(&proof.input, second) == IOTCHAIN_ERR_OK);
    CHECK(memcmp(first, second, sizeof first) != 0);
    prepare(&proof);
    proof.token.client[19] = 1;
    CHECK(iotchain_pop_digest(&proof.input, second) == IOTCHAIN_ERR_OK);
    CHECK(memcmp(first, second, sizeof first) != 0);
    prepare(&proof);
    proof.challenge[27] = 1;
    CHECK(iotchain_pop_digest(&proof.input, second) == IOTCHAIN_ERR_OK);
    CHECK(memcmp(first, second, sizeof first) != 0);
}

static void what_is_no_input_is_refused(void)
{
    struct proof proof;
    uint8_t digest[32] = {0};

    CHECK(iotchain_pop_digest(NULL, digest) == IOTCHAIN_ERR_NULL_ARGUMENT);
    prepare(&proof);
    CHECK(iotchain_pop_digest(&proof.input, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    proof.input.scope = NULL;
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_NULL_ARGUMENT);
    prepare(&proof);
    proof.scope.group = NULL;
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_NULL_ARGUMENT);
    proof.scope.group = "";
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_SCOPE);
    proof.scope.group = "\xff";
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_SCOPE);
    prepare(&proof);
    proof.binding.kind = 3;
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_CHANNEL);
    prepare(&proof);
    proof.input.cnonce_len = 7;
    CHECK(iotchain_pop_digest(&proof.input, digest) == IOTCHAIN_ERR_TYPE);
    CHECK(memcmp(digest, ZERO, sizeof digest) == 0);
}

static int32_t broken(void *ctx, const uint8_t *digest, uint8_t *signature)
{
    (void)ctx;
    (void)digest;
    (void)signature;
    return -1;
}

static void a_server_signs(void)
{
    struct proof proof;
    iotchain_signing_key key = {{0}};
    iotchain_signer signer;
    uint8_t private_key[32] = {1}, signature[64] = {0};

    prepare(&proof);
    CHECK(iotchain_signing_key_init(&key, IOTCHAIN_ES256K, private_key) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_signing_key_signer(&key, &signer) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_pop_sign_server(&proof.input, NULL, signature) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_pop_sign_server(NULL, &signer, signature) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(memcmp(signature, ZERO, 32) == 0);
    CHECK(iotchain_pop_sign_server(&proof.input, &signer, signature) == IOTCHAIN_ERR_OK);
    CHECK(memcmp(signature, ZERO, 32) != 0);
    signer.sign = broken;
    CHECK(iotchain_pop_sign_server(&proof.input, &signer, signature) == IOTCHAIN_ERR_SIG);
    iotchain_signing_key_wipe(&key);
}

static void a_client_signs_with_the_key_of_its_account_alone(void)
{
    struct proof proof;
    iotchain_signing_key key = {{0}};
    iotchain_signer signer;
    uint8_t private_key[32] = {1}, answer[65] = {0};

    prepare(&proof);
    CHECK(iotchain_signing_key_init(&key, IOTCHAIN_ES256K, private_key) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_signing_key_signer(&key, &signer) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_pop_sign_client(&proof.input, &signer, answer) == IOTCHAIN_ERR_POP);
    CHECK(iotchain_pop_sign_client(&proof.input, &signer, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_pop_sign_client(&proof.input, NULL, answer) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_pop_sign_client(NULL, &signer, answer) == IOTCHAIN_ERR_NULL_ARGUMENT);
    iotchain_signing_key_wipe(&key);
    CHECK(iotchain_pop_sign_client(&proof.input, &signer, answer) == IOTCHAIN_ERR_SIG);
    CHECK(memcmp(answer, ZERO, 32) == 0 && answer[64] == 0);
}

int main(void)
{
    a_client_signs_with_the_key_of_its_account_alone();
    the_digest_depends_on_all_of_the_input();
    what_is_no_input_is_refused();
    a_server_signs();
    return failures == 0 ? 0 : 1;
}
