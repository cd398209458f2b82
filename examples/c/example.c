/* The shortest program over the library: are header and library of one release? */
#include <iotchain.h>

#include <stdio.h>

int main(void)
{
    if (iotchain_abi_version() != IOTCHAIN_ABI_VERSION) {
        fprintf(stderr, "iotchain.h is of another release than libiotchain.a\n");
        return 1;
    }
    printf("libiotchain, interface %lu\n", (unsigned long)iotchain_abi_version());
    return 0;
}
