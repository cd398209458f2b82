/* RIOT's AES for an archive that was built with `RUSTFLAGS='--cfg iotchain_aes="port"'`. */
#ifdef MODULE_IOTCHAIN_PORT_AES

#include "iotchain_port.h"

#include "crypto/aes.h"

#include <string.h>

_Static_assert(sizeof(cipher_context_t) <= sizeof(iotchain_port_aes128), "room for the key");

void iotchain_port_aes128_set_key(iotchain_port_aes128 *cipher, const uint8_t *key)
{
    cipher_context_t context;

    aes_init(&context, key, AES_KEY_SIZE_128);
    memcpy(cipher, &context, sizeof(context));
}

void iotchain_port_aes128_encrypt(const iotchain_port_aes128 *cipher, uint8_t *block)
{
    aes_encrypt((const cipher_context_t *)cipher, block, block);
}

#else
typedef int iotchain_own_aes;
#endif
