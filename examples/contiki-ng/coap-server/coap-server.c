/* A resource server over Contiki-NG's CoAP engine: readings for the members of a group, and the broadcasts of its key server.
 *
 * Joining takes DTLS with the key server, which is the board's own; what comes out of it goes to group_join(). */
#include "contiki.h"
#include "coap-engine.h"
#include "group.h"

#include <stdio.h>

extern coap_resource_t res_temperature, res_broadcast;

static uint64_t clock_at_boot;

uint64_t
group_now(void)
{
  return clock_at_boot + clock_seconds();
}

PROCESS(coap_server, "resource server");
AUTOSTART_PROCESSES(&coap_server);

PROCESS_THREAD(coap_server, ev, data)
{
  PROCESS_BEGIN();
  if(iotchain_abi_version() == IOTCHAIN_ABI_VERSION) {
    coap_activate_resource(&res_temperature, "temperature");
    coap_activate_resource(&res_broadcast, "broadcast");
    printf("serving /temperature and /broadcast\n");
  }
  PROCESS_END();
}
