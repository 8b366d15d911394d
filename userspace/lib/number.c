// SPDX-License-Identifier: Apache-2.0
#include "number.h"

#include <errno.h>
#include <inttypes.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Value of one digit in @base (10 or 16), or -1. */
static int digit_value(char c, unsigned int base)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (base == 16 && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (base == 16 && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_digits(uint64_t *ret, const char *text, unsigned int base, uint64_t max)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		int d = digit_value(*text, base);

		if (d < 0 || value > (max - (uint64_t)d) / base)
			return false;
		value = value * base + (uint64_t)d;
	}
	*ret = value;
	return value <= max;
}

int number_parse(uint64_t *ret, const char *text, uint64_t max, struct error *err)
{
	uint64_t value;

	if (max < 9 || !parse_digits(&value, text, 10, max))
		return error_set(err, EINVAL, "\"%s\" is not a number from 0 to %" PRIu64, text, max);
	*ret = value;
	return 0;
}

int port_parse(uint16_t *ret, const char *text, struct error *err)
{
	uint64_t value;

	if (!parse_digits(&value, text, 10, UINT16_MAX))
		return error_set(err, EINVAL, "\"%s\" is not a port (0 to 65535)", text);
	*ret = (uint16_t)value;
	return 0;
}

int fwmark_parse(uint32_t *ret, const char *text, struct error *err)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t value = 0;

	if (strcasecmp(text, "off") &&
	    !parse_digits(&value, hex ? text + 2 : text, hex ? 16 : 10, UINT32_MAX))
		return error_set(err, EINVAL,
				 "\"%s\" is not a firewall mark (off, 0 to 4294967295, or 0x0 to "
				 "0xffffffff)",
				 text);
	*ret = (uint32_t)value;
	return 0;
}

int count_parse(uint64_t *ret, const char *text, uint64_t max, struct error *err)
{
	if (!parse_digits(ret, text, 10, max))
		return error_set(err, EINVAL, "\"%s\" is not a number (0 to %" PRIu64 ")", text,
				 max);
	return 0;
}

int switch_parse(bool *ret, const char *text, struct error *err)
{
	bool on = !strcasecmp(text, "on");

	if (!on && strcasecmp(text, "off"))
		return error_set(err, EINVAL, "\"%s\" is neither on nor off", text);
	*ret = on;
	return 0;
}

int keepalive_parse(uint16_t *ret, const char *text, struct error *err)
{
	uint64_t value = 0;

	if (strcasecmp(text, "off") && !parse_digits(&value, text, 10, UINT16_MAX))
		return error_set(err, EINVAL,
				 "\"%s\" is not a keepalive interval (off, or 1 to 65535 seconds)",
				 text);
	*ret = (uint16_t)value;
	return 0;
}

int network_parse(uint64_t *ret, const char *text, struct error *err)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t value = 0;

	if (strcmp(text, "none") &&
	    !parse_digits(&value, hex ? text + 2 : text, hex ? 16 : 10, UINT64_MAX))
		return error_set(err, EINVAL,
				 "\"%s\" is not a network (none, a number of 64 bits, or 0x and its "
				 "hexadecimal form)",
				 text);
	*ret = value;
	return 0;
}

int subnet_parse(uint8_t *ret, const char *text, struct error *err)
{
	uint64_t value;

	if (!parse_digits(&value, text, 10, UINT8_MAX))
		return error_set(err, EINVAL, "\"%s\" is not a subnet (0 to 255)", text);
	*ret = (uint8_t)value;
	return 0;
}
