/* What the library needs of Contiki-NG. */
#ifndef IOTCHAIN_CONTIKI_H_
#define IOTCHAIN_CONTIKI_H_

#include <iotchain.h>

/* Needs CSPRNG_CONF_ENABLED 1 in project-conf.h, and a seeder for the chip. */
extern const iotchain_rng iotchain_contiki_rng;

#endif
