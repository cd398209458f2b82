/* Randomness fit for keys: Contiki-NG's generator, seeded by the chip. random_rand() is none. */
#include "contiki.h"
#include "lib/csprng.h"

#if CSPRNG_ENABLED

#include "iotchain-contiki.h"

static int32_t
fill(void *ctx, uint8_t *out, size_t len)
{
  (void)ctx;
  return csprng_rand(out, len) ? 0 : -1;
}

const iotchain_rng iotchain_contiki_rng = { fill, NULL };

#endif
