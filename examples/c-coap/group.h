/* A resource server as its CoAP stack sees it: what a handler hands in, and what it sends. The same for every stack. */
#ifndef GROUP_H
#define GROUP_H

#include <iotchain.h>

/* Seconds since 1970, from whatever clock the board has; the key server tells the time when the board joins. */
uint64_t group_now(void);

/* Joins with what the key server answered over DTLS.
 *
 * rs           the address of this resource server, 20 bytes
 * cnonce       of the join request
 * key_server   thumbprint of the key server, as `iotchain_transfer_response_parse` gave it
 * random       the generator of the chip */
iotchain_err group_join(const uint8_t *response, size_t response_len, const uint8_t rs[20], const uint8_t *cnonce,
                        size_t cnonce_len, const uint8_t key_server[32], const iotchain_rng *random);

/* Takes an event or a beacon of the key server in. */
iotchain_err group_broadcast(const uint8_t *message, size_t message_len);

/* Seals the temperature for the one who asked with `token`, into the payload of the response: Content-Format 16. */
iotchain_err group_temperature(const uint8_t *token, size_t token_len, int celsius, uint8_t *payload, size_t payload_cap,
                               size_t *payload_len);

#endif
