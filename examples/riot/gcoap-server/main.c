/* A resource server over gcoap: readings for the members of a group, and the broadcasts of its key server.
 *
 * Joining takes DTLS with the key server, which is the board's own; what comes out of it goes to group_join(). */
#include "group.h"

#include "net/gcoap.h"
#include "thread.h"
#include "ztimer.h"

/* application/cose; cose-type="cose-encrypt0" */
#define FORMAT_ENCRYPT0 16

static uint64_t clock_at_boot;

uint64_t group_now(void)
{
    return clock_at_boot + ztimer_now(ZTIMER_SEC);
}

/* The board has no thermometer: a living room. */
static int celsius(void)
{
    return 21;
}

static ssize_t get_temperature(coap_pkt_t *pdu, uint8_t *buf, size_t len, coap_request_ctx_t *ctx)
{
    uint8_t token[COAP_TOKEN_LENGTH_MAX];
    size_t token_len = coap_get_token_len(pdu);
    size_t head, sealed;

    (void)ctx;
    if (token_len > sizeof(token)) {
        return gcoap_response(pdu, buf, len, COAP_CODE_BAD_REQUEST);
    }
    memcpy(token, coap_get_token(pdu), token_len);
    gcoap_resp_init(pdu, buf, len, COAP_CODE_CONTENT);
    coap_opt_add_format(pdu, FORMAT_ENCRYPT0);
    head = coap_opt_finish(pdu, COAP_OPT_FINISH_PAYLOAD);
    if (group_temperature(token, token_len, celsius(), pdu->payload, pdu->payload_len, &sealed) != IOTCHAIN_ERR_OK) {
        return gcoap_response(pdu, buf, len, COAP_CODE_SERVICE_UNAVAILABLE);
    }
    return head + sealed;
}

/* Anyone may bring a broadcast: it is believed for its signature alone. */
static ssize_t post_broadcast(coap_pkt_t *pdu, uint8_t *buf, size_t len, coap_request_ctx_t *ctx)
{
    iotchain_err err = group_broadcast(pdu->payload, pdu->payload_len);

    (void)ctx;
    return gcoap_response(pdu, buf, len, err == IOTCHAIN_ERR_OK ? COAP_CODE_CHANGED : COAP_CODE_BAD_REQUEST);
}

/* in the order of the paths */
static const coap_resource_t resources[] = {
    { "/broadcast", COAP_POST, post_broadcast, NULL },
    { "/temperature", COAP_GET, get_temperature, NULL },
};
static gcoap_listener_t listener = { resources, ARRAY_SIZE(resources), GCOAP_SOCKET_TYPE_UDP, NULL, NULL, NULL };

int main(void)
{
    if (iotchain_abi_version() != IOTCHAIN_ABI_VERSION) {
        return 1;
    }
    gcoap_register_listener(&listener);
    puts("serving /temperature and /broadcast");
    thread_sleep();
    return 0;
}
