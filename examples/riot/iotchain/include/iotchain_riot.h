/* What the library needs of RIOT. */
#ifndef IOTCHAIN_RIOT_H
#define IOTCHAIN_RIOT_H

#include "iotchain.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The generator of the chip; a board without one has no such symbol. RIOT's random_bytes() is none for keys: unless configured
 * otherwise, it can be predicted. */
extern const iotchain_rng iotchain_riot_rng;

#ifdef __cplusplus
}
#endif

#endif
