#ifndef PROJECT_CONF_H_
#define PROJECT_CONF_H_

/* An object is its plaintext and up to 60 bytes more; an event of the key server is longer: it comes in blocks. */
#define COAP_MAX_CHUNK_SIZE 128

/* Key ids of the sender carry random bytes. */
#define CSPRNG_CONF_ENABLED 1

#endif
