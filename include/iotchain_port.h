/* Functions of the platform that IoTChain calls instead of its own AES and ES256K, if the archive was built so:
 *
 *   RUSTFLAGS='--cfg iotchain_aes="port" --cfg iotchain_es256k="port"' cargo xtask dist TARGET
 *
 * The firmware defines those that its image calls; the linker names what is missing. Numbers are big-endian, a public key is x and y,
 * a signature r and s, of 32 bytes each. Results: 0, or anything else for what could not be done. */
#ifndef IOTCHAIN_PORT_H
#define IOTCHAIN_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A key of AES-128 as the platform keeps it: the key itself, its round keys, or its place in the engine. The library copies and moves
 * it as plain bytes, wipes it, and gives no notice; so it must hold no pointer into itself and own nothing. */
typedef struct iotchain_port_aes128 {
    uint64_t words[22];
} iotchain_port_aes128;

/* Sets `cipher` up for the 16 bytes of `key`. */
void iotchain_port_aes128_set_key(iotchain_port_aes128 *cipher, const uint8_t *key);

/* Encrypts the 16 bytes of `block` in place, under the key of `cipher`. There is no way to fail: what stayed unencrypted would leave
 * the device as if it were encrypted. Should the engine break down, stop or reset. */
void iotchain_port_aes128_encrypt(const iotchain_port_aes128 *cipher, uint8_t *block);

/* Writes the 64 bytes of the public key that belongs to the 32 bytes of `private_key`. Fails if that is zero or not below the order of
 * the group. */
int32_t iotchain_port_es256k_public(const uint8_t *private_key, uint8_t *public_key);

/* Whether the 64 bytes of `public_key` are a point of the curve. */
int32_t iotchain_port_es256k_check(const uint8_t *public_key);

/* Signs `digest`, 32 bytes: writes the 64 bytes of `signature`. The nonce must be secret and never come twice for two digests;
 * RFC 6979 makes it from key and digest. Both halves of s will do: the library takes the lower one. */
int32_t iotchain_port_es256k_sign(const uint8_t *private_key, const uint8_t *digest, uint8_t *signature);

/* Whether the 64 bytes of `signature` are one of `public_key`, a point of the curve, over the 32 bytes of `digest`. r and s are in
 * range, and s is in the lower half. */
int32_t iotchain_port_es256k_verify(const uint8_t *public_key, const uint8_t *digest, const uint8_t *signature);

/* Writes the 64 bytes of the public key that made `signature` over the 32 bytes of `digest`, with the point R whose x is r and whose y
 * is odd if `odd` is 1 and even if it is 0. Only accounts of a ledger need it: a client's answer to the key server's challenge by a
 * signer, and the seals of blocks. */
int32_t iotchain_port_es256k_recover(const uint8_t *digest, const uint8_t *signature, int32_t odd, uint8_t *public_key);

#ifdef __cplusplus
}
#endif

#endif
