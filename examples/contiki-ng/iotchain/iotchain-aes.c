/* Contiki-NG's AES, which is the chip's where there is one, for an archive that was built with
 * `RUSTFLAGS='--cfg iotchain_aes="port"'`; the project defines IOTCHAIN_CONF_PORT_AES. */
#include "contiki.h"

#if IOTCHAIN_CONF_PORT_AES

#include <iotchain_port.h>

#include "lib/aes-128.h"

#include <string.h>

void
iotchain_port_aes128_set_key(iotchain_port_aes128 *cipher, const uint8_t *key)
{
  memcpy(cipher->words, key, AES_128_KEY_LENGTH);
}

void
iotchain_port_aes128_encrypt(const iotchain_port_aes128 *cipher, uint8_t *block)
{
  /* the driver knows one key at a time */
  AES_128.set_key((const uint8_t *)cipher->words);
  AES_128.encrypt(block);
}

#endif
