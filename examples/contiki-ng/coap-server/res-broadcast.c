/* POST /broadcast: an event or a beacon of the key server. Anyone may bring it: it is believed for its signature alone. */
#include "coap-engine.h"
#include "coap-block1.h"
#include "group.h"

/* Longest event that is taken. */
#define EVENT_MAX 512

static void
post_handler(coap_message_t *request, coap_message_t *response, uint8_t *buffer, uint16_t preferred_size, int32_t *offset)
{
  static uint8_t message[EVENT_MAX];
  static size_t len;

  /* collects the blocks; what it answers until the last is in the response already */
  if(coap_block1_handler(request, response, message, &len, sizeof(message)) != 0) {
    return;
  }
  if(group_broadcast(message, len) == IOTCHAIN_ERR_OK) {
    coap_set_status_code(response, CHANGED_2_04);
  } else {
    coap_set_status_code(response, BAD_REQUEST_4_00);
  }
}

RESOURCE(res_broadcast, "rt=\"broadcast\"", NULL, post_handler, NULL, NULL);
