/* Frames on the serial line, as `iotchain board` speaks them:
 *
 *   request = 0xa7 kind len(2) payload          answer = 0xa7 (kind | 0x80) len(2) result(4) payload
 *
 * Numbers are big-endian; the result is 0 or a negative number of iotchain.h. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>

enum line_kind {
    LINE_HELLO = 1,
    LINE_CHALLENGE,
    LINE_JOIN,
    LINE_BROADCAST,
    LINE_GET,
    LINE_PUBLISH,
    LINE_REQUEST,
    LINE_SLEEP,
    LINE_END
};

/* Waits for a request. Its payload is at the front of `payload` then; returns its length, or SIZE_MAX if it was longer than `cap`. */
size_t line_read(uint8_t *kind, uint8_t *payload, size_t cap);

/* Answers it; the payload counts only if the result is 0. */
void line_answer(uint8_t kind, int32_t result, const uint8_t *payload, size_t len);

uint64_t line_u64(const uint8_t *p);
void line_put_u32(uint8_t *p, uint32_t value);

#endif
