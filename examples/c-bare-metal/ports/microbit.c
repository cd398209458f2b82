/* BBC micro:bit, nRF51822 (Cortex-M0, 16 kB of RAM): UART, the generator of the chip, an LED. */
#include "port.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_STARTRX REGISTER(0x40002000u)
#define UART_STARTTX REGISTER(0x40002008u)
#define UART_RXDRDY REGISTER(0x40002108u)
#define UART_TXDRDY REGISTER(0x4000211cu)
#define UART_ENABLE REGISTER(0x40002500u)
#define UART_PSELTXD REGISTER(0x4000250cu)
#define UART_PSELRXD REGISTER(0x40002514u)
#define UART_RXD REGISTER(0x40002518u)
#define UART_TXD REGISTER(0x4000251cu)
#define UART_BAUDRATE REGISTER(0x40002524u)

#define RNG_START REGISTER(0x4000d000u)
#define RNG_VALRDY REGISTER(0x4000d100u)
#define RNG_CONFIG REGISTER(0x4000d504u)
#define RNG_VALUE REGISTER(0x4000d508u)

#define GPIO_OUTSET REGISTER(0x50000508u)
#define GPIO_OUTCLR REGISTER(0x5000050cu)
#define GPIO_DIRSET REGISTER(0x50000518u)
#define LED_ROW (1u << 13)
#define LED_COLUMN (1u << 4)

void port_start(void)
{
    GPIO_DIRSET = LED_ROW | LED_COLUMN;
    GPIO_OUTCLR = LED_ROW | LED_COLUMN;
    UART_PSELTXD = 24;
    UART_PSELRXD = 25;
    UART_BAUDRATE = 0x01d7e000u; /* 115200 */
    UART_ENABLE = 4;
    UART_STARTRX = 1;
    UART_STARTTX = 1;
    RNG_CONFIG = 1; /* bias correction */
    RNG_START = 1;
}

uint8_t port_read(void)
{
    while (UART_RXDRDY == 0) {
    }
    UART_RXDRDY = 0;
    return (uint8_t)UART_RXD;
}

void port_write(uint8_t byte)
{
    UART_TXDRDY = 0;
    UART_TXD = byte;
    while (UART_TXDRDY == 0) {
    }
}

int32_t port_random(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    while (len-- > 0) {
        while (RNG_VALRDY == 0) {
        }
        RNG_VALRDY = 0;
        *out++ = (uint8_t)RNG_VALUE;
    }
    return 0;
}

int port_sensor(void)
{
    return 215;
}

void port_led(int on)
{
    if (on) {
        GPIO_OUTSET = LED_ROW;
    } else {
        GPIO_OUTCLR = LED_ROW;
    }
}
