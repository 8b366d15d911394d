// SPDX-License-Identifier: Apache-2.0
/* Fields from text to messages and back, and what is refused. */
#include <errno.h>
#include <string.h>

#include "kind.h"
#include "unit.h"

enum { NOW = 1795270500 };

static Mmesh__V1__Object *object(const char *kind)
{
	Mmesh__V1__Object *ret = kind_object(kind_by_name(kind), "a/b/c/d");

	assert_non_null(ret);
	return ret;
}

static int parse(Mmesh__V1__Object *o, const char *word, const char *text, struct error *err)
{
	const struct field *field = kind_field(kind_of(o), word, 0);

	assert_non_null(field);
	*err = (struct error){ 0 };
	return field_parse(field, kind_message(o), text, NOW, err);
}

/* @text is taken, and comes back as @expected. */
static void good(const char *kind, const char *word, const char *text, const char *expected)
{
	Mmesh__V1__Object *o = object(kind);
	const struct field *field = kind_field(kind_by_name(kind), word, 0);
	struct error err;
	char *back;

	/* Twice: what was there is freed. */
	assert_int_equal(parse(o, word, text, &err), 0);
	assert_int_equal(parse(o, word, text, &err), 0);
	back = field_text(field, kind_message(o));
	assert_string_equal(back, expected);
	free(back);
	mmesh__v1__object__free_unpacked(o, NULL);
}

static void bad(const char *kind, const char *word, const char *text, const char *reason)
{
	Mmesh__V1__Object *o = object(kind);
	struct error err;

	assert_int_equal(parse(o, word, text, &err), -EINVAL);
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
	assert_true(field_is_default(kind_field(kind_by_name(kind), word, 0), kind_message(o)));
	mmesh__v1__object__free_unpacked(o, NULL);
}

static void values(void **state)
{
	(void)state;
	good("network", "prefix", "10.20.0.0/16", "10.20.0.0/16");
	good("network", "routed-subnets", "on", "on");
	good("network", "routed-subnets", "off", "off");
	good("network", "mtu", "1400", "1400");
	good("network", "zone", "eu", "eu");
	good("network", "zone", "none", "");
	good("node", "kind", "wireguard", "wireguard");
	good("node", "kind", "stubby", "stubby");
	good("node", "address", "10.0.0.1,fd00::1", "10.0.0.1,fd00::1");
	good("node", "address", "none", "");
	good("node", "tag", "a,b", "a,b");
	good("node", "route", "10.0.0.0/8,192.0.2.0/24@5*2", "10.0.0.0/8,192.0.2.0/24@5*2");
	good("node", "route", "192.0.2.0/24@5", "192.0.2.0/24@5");
	good("node", "mesh-key", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
	     "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
	good("token", "uses", "3", "3");
	good("token", "expires", "1h", "2026-11-21T15:15:00Z");
	good("token", "expires", "2026-11-21T15:15:00Z", "2026-11-21T15:15:00Z");
}

static void refusals(void **state)
{
	(void)state;
	bad("network", "prefix", "10.20.0.0", "has no length");
	bad("network", "prefix", "10.20.1.0/16", "10.20.0.0/16 was meant");
	bad("network", "prefix", "10.20.0.0/33", "from 0 to 32");
	bad("network", "routed-subnets", "yes", "\"yes\" is neither");
	bad("network", "mtu", "70000", "65535");
	bad("network", "kernel-id", "5", "the controller decides");
	bad("node", "kind", "phone", "\"phone\" is none of: connected, stubby, wireguard");
	bad("node", "kind", "unspecified", "is none of");
	bad("node", "address", "10.0.0.1/24", "\"10.0.0.1/24\" is not an address");
	bad("node", "tag", "a,,b", "empty entry");
	bad("node", "tag", "a,", "empty entry");
	bad("node", "tag", "a,B", "\"B\" is not a name");
	bad("network", "zone", "acme/eu", "\"acme/eu\" is not a name");
	bad("node", "route", "+10.0.0.0/8", "+ or -");
	bad("node", "mesh-key", "short", "44 characters");
	bad("token", "expires", "soon", "is not a duration");
	bad("token", "expires", "1x", "is not a duration");
	bad("token", "expires", "200000w", "a hundred years");
	bad("token", "expires", "2026-11-21T15:15", "is not a moment");
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = { { "90", 90 }, { "90s", 90 },    { "15m", 900 },
		      { "1h", 3600 }, { "2d", 172800 }, { "1w", 604800 } };
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(duration_parse(&got, cases[i].text, NULL), 0);
		assert_int_equal(got, cases[i].seconds);
	}
	assert_int_equal(duration_parse(&got, "", NULL), -EINVAL);
	assert_int_equal(duration_parse(&got, "1hh", NULL), -EINVAL);
	assert_int_equal(duration_parse(&got, "-1h", NULL), -EINVAL);
	assert_int_equal(duration_parse(&got, "9999999999999", NULL), -EINVAL);
}

static void paths(void **state)
{
	static const char *const wrong[] = { "",	"/",	   "acme",  "acme/",	 "/acme",
					     "a/b/c",	"Acme/b",  "a/-b",  "a/b-",	 "a b/c",
					     "a/b_c",	"a/\xc3\xa4" };
	const struct kind *network = kind_by_name("network");
	char name[70];
	struct error err;

	(void)state;
	assert_int_equal(kind_check_path(network, "acme/prod-2", NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(kind_check_path(network, wrong[i], NULL), -EINVAL);
	assert_int_equal(kind_check_path(network, "acme", &err), -EINVAL);
	assert_string_equal(err.text,
			    "\"acme\" has 1 name; the path of a network is TENANT/NETWORK");
	(void)snprintf(name, sizeof(name), "a/%063d", 0);
	assert_int_equal(kind_check_path(network, name, NULL), 0);
	(void)snprintf(name, sizeof(name), "a/%064d", 0);
	assert_int_equal(kind_check_path(network, name, NULL), -EINVAL);
}

/* Every field of the table is a member of its message, of the type that the table says. */
static void tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_kinds; i++) {
		Mmesh__V1__Object *o = kind_object(&kinds[i], "x");

		assert_ptr_equal(kind_of(o), &kinds[i]);
		assert_ptr_equal(kind_message(o)->descriptor, kinds[i].descriptor);
		for (size_t j = 0; j < kinds[i].n_fields; j++) {
			const struct field *field = &kinds[i].field[j];
			char name[FIELD_NAME_SIZE];
			char *text;

			field_name(name, field);
			assert_non_null(protobuf_c_message_descriptor_get_field_by_name(
				kinds[i].descriptor, field->member ? field->member : name));
			/* These are in each object's JSON already. */
			assert_string_not_equal(name, "path");
			assert_string_not_equal(name, "id");
			assert_true(field_is_default(field, kind_message(o)));
			text = field_text(field, kind_message(o));
			assert_non_null(text);
			free(text);
		}
		mmesh__v1__object__free_unpacked(o, NULL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(refusals), cmocka_unit_test(durations),
		cmocka_unit_test(paths),  cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests_name("ctl-field", tests, NULL, NULL);
}
