/* The parts of the interface that need no member: version and descriptions. */
#include "check.h"

static int says(int32_t err, const char *text)
{
    return strcmp(iotchain_strerror(err), text) == 0;
}

static void header_and_library_are_of_one_version(void)
{
    CHECK(iotchain_abi_version() == IOTCHAIN_ABI_VERSION);
}

static void every_result_has_a_description(void)
{
    int32_t err;
    int known = 0;

    CHECK(says(IOTCHAIN_ERR_OK, "success"));
    CHECK(says(IOTCHAIN_ERR_AEAD, "decryption failed"));
    CHECK(says(IOTCHAIN_ERR_NOT_READY, "object not set up here"));
    CHECK(says(IOTCHAIN_ERR_BUFFER, "output buffer too small"));
    for (err = -1000; err < 0; err++) {
        CHECK(strlen(iotchain_strerror(err)) > 3);
        known += !says(err, "unknown error");
    }
    CHECK(known > 70);
}

static void other_numbers_are_no_results(void)
{
    CHECK(says(1, "unknown error"));
    CHECK(says(-12, "unknown error"));
    CHECK(says(INT32_MAX, "unknown error"));
    CHECK(says(INT32_MIN, "unknown error"));
}

static void results_are_the_negative_numbers_of_the_registry(void)
{
    CHECK(IOTCHAIN_ERR_TRUNCATED == -1);
    CHECK(IOTCHAIN_ERR_AEAD == -30);
    CHECK(IOTCHAIN_ERR_NEED_EVENT == -60);
    CHECK(IOTCHAIN_ERR_RATE == -96);
    CHECK(sizeof(iotchain_err) == sizeof(int32_t));
}

int main(void)
{
    header_and_library_are_of_one_version();
    every_result_has_a_description();
    other_numbers_are_no_results();
    results_are_the_negative_numbers_of_the_registry();
    return failures == 0 ? 0 : 1;
}
