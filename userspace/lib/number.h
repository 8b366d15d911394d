/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people write them: strict, bounded, with an error that says the range. */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Decimal digits only, 0 to @max. */
int number_parse(uint64_t *ret, const char *text, uint64_t max, struct error *err);

/* UDP port 0-65535; 0 means that the kernel chooses. */
int port_parse(uint16_t *ret, const char *text, struct error *err);

/* "off", decimal or 0x-prefixed hexadecimal, 32 bits; 0 is off. */
int fwmark_parse(uint32_t *ret, const char *text, struct error *err);

/* Decimal, at most @max. */
int count_parse(uint64_t *ret, const char *text, uint64_t max, struct error *err);

/* "on" or "off". */
int switch_parse(bool *ret, const char *text, struct error *err);

/* "off" or seconds 0-65535; 0 is off. */
int keepalive_parse(uint16_t *ret, const char *text, struct error *err);

/* A network's id: "none", decimal or 0x-prefixed hexadecimal, 64 bits; 0 is none. */
int network_parse(uint64_t *ret, const char *text, struct error *err);

/* Number of a subnet, 0-255. */
int subnet_parse(uint8_t *ret, const char *text, struct error *err);

#endif
