/* Shared with every other CoAP stack. */
#include "../../c-coap/group.c"
