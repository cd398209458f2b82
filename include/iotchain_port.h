/* What a platform may do for IoTChain: AES-128 and ES256K. Written by `cargo xtask header`: do not edit.
 *
 * A library that was built with `--cfg iotchain_aes="port"` calls the first two functions, one built with
 * `--cfg iotchain_es256k="port"` the others. The program defines those that it needs; the linker says which. */

#ifndef IOTCHAIN_PORT_H
#define IOTCHAIN_PORT_H

#include <stdint.h>

/**
 * A key of AES-128 as the platform keeps it: the key itself, its round keys, or the place of it in the engine. 176 bytes are
 * enough for the round keys.
 *
 * The library copies and moves it as plain bytes, wipes it, and gives no notice; so it must hold no pointer into itself and own
 * nothing.
 */
typedef struct iotchain_port_aes128 {
  uint64_t words[22];
} iotchain_port_aes128;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sets `cipher` up for the 16 bytes of `key`.
 */
extern void iotchain_port_aes128_set_key(struct iotchain_port_aes128 *cipher, const uint8_t *key);

/**
 * Encrypts the 16 bytes of `block` in place, under the key of `cipher`. There is no way to fail: what stayed unencrypted would
 * leave the device as if it were encrypted. Should the engine break down, stop or reset.
 */
extern void iotchain_port_aes128_encrypt(const struct iotchain_port_aes128 *cipher,
                                         uint8_t *block);

/**
 * Writes the 64 bytes of the public key that belongs to the 32 bytes of `private_key`. Returns 0, or anything else if the
 * private key is zero or not below the order of the group.
 */
extern int32_t iotchain_port_es256k_public(const uint8_t *private_key,
                                           uint8_t *public_key);

/**
 * Whether the 64 bytes of `public_key` are a point of the curve: returns 0, or anything else if not.
 */
extern int32_t iotchain_port_es256k_check(const uint8_t *public_key);

/**
 * Signs `digest`, 32 bytes: writes the 64 bytes of `signature` and returns 0, or anything else. The nonce must be secret and
 * never come twice for two digests; RFC 6979 makes it from key and digest. Both halves of s will do: the library takes the
 * lower one.
 */
extern int32_t iotchain_port_es256k_sign(const uint8_t *private_key,
                                         const uint8_t *digest,
                                         uint8_t *signature);

/**
 * Returns 0 if the 64 bytes of `signature` are one of `public_key`, a point of the curve, over the 32 bytes of `digest`;
 * anything else if not. r and s are in range, and s is in the lower half.
 */
extern int32_t iotchain_port_es256k_verify(const uint8_t *public_key,
                                           const uint8_t *digest,
                                           const uint8_t *signature);

/**
 * Writes the 64 bytes of the public key that made `signature` over the 32 bytes of `digest`, with the point R whose x is r
 * and whose y is odd if `odd` is 1 and even if it is 0. Returns 0, or anything else if there is none. Only accounts of a
 * ledger need it: a client's answer to the key server's challenge by a signer, and the seals of blocks.
 */
extern int32_t iotchain_port_es256k_recover(const uint8_t *digest,
                                            const uint8_t *signature,
                                            int32_t odd,
                                            uint8_t *public_key);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IOTCHAIN_PORT_H */
