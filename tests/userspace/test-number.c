// SPDX-License-Identifier: Apache-2.0
#include "number.h"

#include <errno.h>

#include "unit.h"

static void numbers(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_int_equal(number_parse(&n, "0", 9, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse(&n, "18446744073709551615", UINT64_MAX, NULL), 0);
	assert_true(n == UINT64_MAX);
	n = 7;
	assert_int_equal(number_parse(&n, "18446744073709551616", UINT64_MAX, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "33", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "-1", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "+1", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, " 1", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "1 ", 32, NULL), -EINVAL);
	assert_int_equal(number_parse(&n, "0x1", 32, NULL), -EINVAL);
	assert_int_equal(n, 7);
}

static void ports(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(port_parse(&port, "0", NULL), 0);
	assert_int_equal(port_parse(&port, "65535", NULL), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(port_parse(&port, "65536", NULL), -EINVAL);
	assert_int_equal(port_parse(&port, "off", NULL), -EINVAL);
}

static void fwmarks(void **state)
{
	uint32_t mark;

	(void)state;
	assert_int_equal(fwmark_parse(&mark, "off", NULL), 0);
	assert_int_equal(mark, 0);
	assert_int_equal(fwmark_parse(&mark, "OFF", NULL), 0);
	assert_int_equal(fwmark_parse(&mark, "0xffffffff", NULL), 0);
	assert_true(mark == UINT32_MAX);
	assert_int_equal(fwmark_parse(&mark, "51820", NULL), 0);
	assert_int_equal(mark, 51820);
	assert_int_equal(fwmark_parse(&mark, "0x", NULL), -EINVAL);
	assert_int_equal(fwmark_parse(&mark, "0x100000000", NULL), -EINVAL);
	assert_int_equal(fwmark_parse(&mark, "4294967296", NULL), -EINVAL);
	assert_int_equal(fwmark_parse(&mark, "ab", NULL), -EINVAL);
	assert_int_equal(fwmark_parse(&mark, "", NULL), -EINVAL);
}

static void networks(void **state)
{
	uint64_t network = 7;
	uint8_t subnet = 7;
	bool on = true;

	(void)state;
	assert_int_equal(network_parse(&network, "none", NULL), 0);
	assert_true(network == 0);
	assert_int_equal(network_parse(&network, "0xffffffffffffffff", NULL), 0);
	assert_true(network == UINT64_MAX);
	assert_int_equal(network_parse(&network, "42", NULL), 0);
	assert_int_equal(network_parse(&network, "18446744073709551616", NULL), -EINVAL);
	assert_int_equal(network_parse(&network, "0x", NULL), -EINVAL);
	assert_int_equal(network_parse(&network, "", NULL), -EINVAL);
	assert_true(network == 42);
	assert_int_equal(subnet_parse(&subnet, "255", NULL), 0);
	assert_int_equal(subnet, 255);
	assert_int_equal(subnet_parse(&subnet, "256", NULL), -EINVAL);
	assert_int_equal(subnet_parse(&subnet, "none", NULL), -EINVAL);
	assert_int_equal(switch_parse(&on, "off", NULL), 0);
	assert_false(on);
	assert_int_equal(switch_parse(&on, "on", NULL), 0);
	assert_true(on);
	assert_int_equal(switch_parse(&on, "1", NULL), -EINVAL);
}

static void keepalives(void **state)
{
	uint16_t seconds;

	(void)state;
	assert_int_equal(keepalive_parse(&seconds, "off", NULL), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(keepalive_parse(&seconds, "25", NULL), 0);
	assert_int_equal(seconds, 25);
	assert_int_equal(keepalive_parse(&seconds, "65536", NULL), -EINVAL);
	assert_int_equal(keepalive_parse(&seconds, "0x19", NULL), -EINVAL);
	assert_int_equal(keepalive_parse(&seconds, "", NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(ports),
		cmocka_unit_test(fwmarks),
		cmocka_unit_test(networks),
		cmocka_unit_test(keepalives),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
