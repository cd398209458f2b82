/* The second header: a platform that defines every hook, in each language. The bytes that hooks have to give, the tests of
   `cargo xtask port` compare. */
#include "check.h"
#include "iotchain_port.h"

#ifdef __cplusplus
extern "C" {
#endif

void iotchain_port_aes128_set_key(struct iotchain_port_aes128 *cipher, const uint8_t *key)
{
    memcpy(cipher->words, key, 16);
}

void iotchain_port_aes128_encrypt(const struct iotchain_port_aes128 *cipher, uint8_t *block)
{
    block[0] ^= (uint8_t)(cipher->words[0] & 1);
}

int32_t iotchain_port_es256k_public(const uint8_t *private_key, uint8_t *public_key)
{
    memcpy(public_key, private_key, 32);
    return 0;
}

int32_t iotchain_port_es256k_check(const uint8_t *public_key)
{
    return public_key[0] == 0 ? -1 : 0;
}

int32_t iotchain_port_es256k_sign(const uint8_t *private_key, const uint8_t *digest, uint8_t *signature)
{
    memcpy(signature, private_key, 32);
    memcpy(signature + 32, digest, 32);
    return 0;
}

int32_t iotchain_port_es256k_verify(const uint8_t *public_key, const uint8_t *digest, const uint8_t *signature)
{
    return memcmp(signature, public_key, 32) == 0 && memcmp(signature + 32, digest, 32) == 0 ? 0 : -1;
}

int32_t iotchain_port_es256k_recover(const uint8_t *digest, const uint8_t *signature, int32_t odd, uint8_t *public_key)
{
    (void)digest;
    (void)odd;
    memcpy(public_key, signature, 32);
    return 0;
}

#ifdef __cplusplus
}
#endif

int main(void)
{
    struct iotchain_port_aes128 cipher;
    uint8_t key[64] = {1}, block[32] = {0}, signature[64], found[64];

    CHECK(sizeof cipher == 176);
    iotchain_port_aes128_set_key(&cipher, key);
    iotchain_port_aes128_encrypt(&cipher, block);
    CHECK(iotchain_port_es256k_public(key, found) == 0);
    CHECK(iotchain_port_es256k_check(found) == 0);
    CHECK(iotchain_port_es256k_sign(key, block, signature) == 0);
    CHECK(iotchain_port_es256k_verify(found, block, signature) == 0);
    CHECK(iotchain_port_es256k_recover(block, signature, 0, found) == 0);
    CHECK(memcmp(found, key, 32) == 0);
    return failures == 0 ? 0 : 1;
}
