/* Private keys in memory, and the signers that use them. */
#include "check.h"

static int32_t counting(void *ctx, uint8_t *out, size_t len)
{
    uint8_t *next = (uint8_t *)ctx;
    while (len-- > 0) {
        *out++ = (*next)++;
    }
    return 0;
}

static int32_t failing(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    (void)out;
    (void)len;
    return -1;
}

static void a_key_survives_export(void)
{
    uint8_t next = 1, bytes[32], digest[32] = {7}, first[64], second[64];
    iotchain_rng rng = {counting, &next};
    iotchain_signing_key key = {{0}}, again = {{0}};
    iotchain_signer signer;

    CHECK(iotchain_signing_key_size() == sizeof key);
    CHECK(iotchain_signing_key_generate(&key, IOTCHAIN_ES256K, &rng) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_signing_key_export(&key, bytes) == IOTCHAIN_ERR_OK);
    CHECK(bytes[0] == 1 && bytes[31] == 32);
    CHECK(iotchain_signing_key_init(&again, IOTCHAIN_ES256K, bytes) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_signing_key_signer(&key, &signer) == IOTCHAIN_ERR_OK);
    CHECK(signer.sign(signer.ctx, digest, first) == 0);
    CHECK(iotchain_signing_key_signer(&again, &signer) == IOTCHAIN_ERR_OK);
    CHECK(signer.sign(signer.ctx, digest, second) == 0);
    CHECK(memcmp(first, second, sizeof first) == 0);
    iotchain_signing_key_wipe(&key);
    iotchain_signing_key_wipe(&again);
    CHECK(signer.sign(signer.ctx, digest, second) == IOTCHAIN_ERR_NOT_READY);
}

static void what_is_no_key_is_refused(void)
{
    uint8_t zero[32] = {0};
    iotchain_rng rng = {failing, NULL}, none = {NULL, NULL};
    iotchain_signing_key key = {{0}};
    iotchain_signer signer;

    CHECK(iotchain_signing_key_init(&key, IOTCHAIN_ES256K, zero) == IOTCHAIN_ERR_TYPE);
    CHECK(iotchain_signing_key_init(&key, 5, zero) == IOTCHAIN_ERR_ALG);
    CHECK(iotchain_signing_key_init(&key, IOTCHAIN_ES256K, NULL) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_signing_key_generate(&key, IOTCHAIN_ES256K, &rng) == IOTCHAIN_ERR_RANDOM);
    CHECK(iotchain_signing_key_generate(&key, IOTCHAIN_ES256K, &none) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_signing_key_export(&key, zero) == IOTCHAIN_ERR_NOT_READY);
    CHECK(iotchain_signing_key_signer(&key, &signer) == IOTCHAIN_ERR_NOT_READY);
    iotchain_signing_key_wipe(&key);
    iotchain_signing_key_wipe(NULL);
}

static void a_key_has_an_address(void)
{
    uint8_t next = 1, address[20] = {0}, other[20] = {0};
    iotchain_rng rng = {counting, &next};
    iotchain_signing_key key = {{0}};
    iotchain_signer signer;

    CHECK(iotchain_signing_key_generate(&key, IOTCHAIN_ES256K, &rng) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_signing_key_signer(&key, &signer) == IOTCHAIN_ERR_OK);
    CHECK(iotchain_public_key_address(&signer.key, address) == IOTCHAIN_ERR_OK);
    signer.key.y[31] ^= 1;
    CHECK(iotchain_public_key_address(&signer.key, other) == IOTCHAIN_ERR_OK);
    CHECK(memcmp(address, other, sizeof address) != 0);
    signer.key.alg = IOTCHAIN_ESP256;
    CHECK(iotchain_public_key_address(&signer.key, address) == IOTCHAIN_ERR_ALG);
    signer.key.alg = 0;
    CHECK(iotchain_public_key_address(&signer.key, address) == IOTCHAIN_ERR_ALG);
    CHECK(iotchain_public_key_address(NULL, address) == IOTCHAIN_ERR_NULL_ARGUMENT);
    CHECK(iotchain_public_key_address(&signer.key, NULL) != IOTCHAIN_ERR_OK);
    iotchain_signing_key_wipe(&key);
}

int main(void)
{
    a_key_survives_export();
    a_key_has_an_address();
    what_is_no_key_is_refused();
    return failures == 0 ? 0 : 1;
}
