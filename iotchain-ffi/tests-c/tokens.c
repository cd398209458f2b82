/* Tokens: misuse of blocks, proofs and CWTs. What they answer to real ones, the tests in Rust see. */
#include "check.h"

static const uint8_t BYTES[40] = {0};

static void a_block_needs_its_header(void)
{
    iotchain_block block = {{0}};
    iotchain_sealer sealer = {{0}};
    uint64_t number = 7, time = 7;
    uint8_t hash[32] = {7};

    CHECK(iotchain_block_size() == sizeof block);
    CHECK(iotchain_block_init(&block, BYTES, BYTES, sizeof BYTES) == IOTCHAIN_ERR_PROOF);
    CHECK(iotchain_block_init(&block, BYTES, NULL, 0) == IOTCHAIN_ERR_PROOF);
    CHECK(iotchain_block_init(&block, NULL, BYTES, 1) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_block_init(NULL, BYTES, BYTES, 1) != IOTCHAIN_ERR_OK);
    CHECK(iotchain_block_parent(&block, BYTES, 1) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_block_parent(NULL, BYTES, 1) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_block_sealed_child(&block, BYTES, 1, &sealer, 1) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_block_read(&block, &number, &time, hash) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_block_read(NULL, &number, &time, hash) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(number == 7 && time == 7 && hash[0] == 7);
    CHECK(iotchain_sealer_init(&sealer, BYTES) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_sealer_init(&sealer, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_sealer_init(NULL, BYTES) == IOTCHAIN_ERR_NULL_ARGUMENT);
    iotchain_block_wipe(&block);
    iotchain_block_wipe(NULL);
}

static void a_proof_needs_a_block(void)
{
    iotchain_block block = {{0}};
    iotchain_proof proof = {{0}};
    iotchain_token_ref token;
    iotchain_token_place place;
    uint8_t word[32] = {7}, resource[32] = {7};

    memset(&token, 0, sizeof token);
    place.token = &token;
    place.rs = BYTES;
    place.code_hash = BYTES;
    CHECK(iotchain_proof_size() == sizeof proof);
    CHECK(iotchain_proof_start(&proof, &block, &place) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_proof_start(&proof, NULL, &place) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_proof_start(&proof, &block, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    place.code_hash = NULL;
    CHECK(iotchain_proof_start(&proof, &block, &place) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_proof_push(&proof, BYTES, 1) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_proof_push(NULL, BYTES, 1) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_proof_words(&proof, word, resource) == IOTCHAIN_ERR_NOT_READY);
    CHECK(word[0] == 7 && resource[0] == 7);
    iotchain_proof_wipe(&proof);
    iotchain_proof_wipe(NULL);
}

static void what_is_asked_must_be_told(void)
{
    iotchain_proof proof = {{0}};
    iotchain_token_ref token;
    iotchain_scope scope;
    iotchain_query query;
    iotchain_cwt_issuer issuer;
    iotchain_cwt_grant grant;
    iotchain_grant granted;
    uint16_t access_class = 7;

    memset(&token, 0, sizeof token);
    memset(&issuer, 0, sizeof issuer);
    scope.group = "0007.00000000";
    scope.roles = IOTCHAIN_ROLE_GET;
    query.token = &token;
    query.rs = BYTES;
    query.scope = &scope;
    CHECK(iotchain_proof_validate(&proof, &query, NULL, &access_class, 1, 0, &granted) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_ALG);
    issuer.key.alg = IOTCHAIN_ES256K;
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_CWT_TYPE);
    CHECK(iotchain_cwt_verify(NULL, 0, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_TRUNCATED);
    CHECK(iotchain_cwt_verify(NULL, 1, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_cwt_verify(BYTES, 1, NULL, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, NULL, NULL, 0, &grant) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, &issuer, NULL, 0, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    scope.group = "no group";
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_SCOPE);
    query.rs = NULL;
    CHECK(iotchain_cwt_verify(BYTES, 1, &query, &issuer, NULL, 0, &grant) == IOTCHAIN_ERR_NULL_ARGUMENT);
}

int main(void)
{
    a_block_needs_its_header();
    a_proof_needs_a_block();
    what_is_asked_must_be_told();
    return failures == 0 ? 0 : 1;
}
