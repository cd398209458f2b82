/* GET /temperature: an object for whoever asked, sealed in the buffer of the engine. */
#include "coap-engine.h"
#include "group.h"

/* application/cose; cose-type="cose-encrypt0" */
#define FORMAT_ENCRYPT0 16
/* The board has no thermometer: a living room. */
#define CELSIUS 21

static void
get_handler(coap_message_t *request, coap_message_t *response, uint8_t *buffer, uint16_t preferred_size, int32_t *offset)
{
  size_t len;

  if(group_temperature(request->token, request->token_len, CELSIUS, buffer, preferred_size, &len) != IOTCHAIN_ERR_OK) {
    coap_set_status_code(response, SERVICE_UNAVAILABLE_5_03);
    return;
  }
  coap_set_header_content_format(response, FORMAT_ENCRYPT0);
  coap_set_payload(response, buffer, len);
}

RESOURCE(res_temperature, "rt=\"temperature\";ct=16", get_handler, NULL, NULL, NULL);
