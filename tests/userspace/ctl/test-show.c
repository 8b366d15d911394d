// SPDX-License-Identifier: Apache-2.0
/*
 * Every form of every output against a file. After a change that is meant, run
 * with UPDATE_GOLDEN=1 and read the difference.
 */
#include <string.h>

#include "apply-file.h"
#include "golden.h"
#include "local.h"
#include "show-object.h"
#include "unit.h"

enum { MINUTE = 60, HOUR = 3600 };

/* The forms that each output has: JSON is what scripts rely on. */
static const struct form {
	const char *suffix;
	enum printer_form form;
	bool pretty, brief, details;
} forms[] = {
	{ ".txt", PRINTER_BLOCKS, false, false, false },
	{ "-brief.txt", PRINTER_BLOCKS, false, true, false },
	{ "-details.txt", PRINTER_BLOCKS, false, false, true },
	{ "-oneline.txt", PRINTER_ONELINE, false, false, false },
	{ ".json", PRINTER_JSON, true, false, false },
};

static void tool_for(struct tool *tool, const struct golden *golden, const struct form *form)
{
	*tool = (struct tool){ .printer = golden->p, .brief = form->brief, .details = form->details };
}

/* -- objects --------------------------------------------------------------- */

static Mmesh__V1__Object *object(const char *kind, const char *path, const char *const *words)
{
	const struct kind *k = kind_by_name(kind);
	Mmesh__V1__Object *o = kind_object(k, path);

	assert_non_null(o);
	o->id = strdup("0123456789abcdef0123456789abcdef");
	o->revision = 7;
	o->created = GOLDEN_NOW - HOUR;
	for (; words && *words; words += 2) {
		const struct field *field = kind_field(k, words[0], FIELD_IN);

		assert_non_null(field);
		assert_int_equal(field_parse(field, kind_message(o), words[1], GOLDEN_NOW, NULL), 0);
	}
	return o;
}

static Mmesh__V1__Object *tenant(void)
{
	Mmesh__V1__Object *o = object("tenant", "acme", NULL);

	o->tenant->root_key_id = strdup("00112233445566778899aabbccddeeff");
	return o;
}

static Mmesh__V1__Object *network(const char *path)
{
	static const char *const words[] = { "prefix", "10.20.0.0/16", "routed-subnets", "on",
					     "zone",   "eu",	       NULL };
	Mmesh__V1__Object *o = object("network", path, words);

	o->network->kernel_id = 0x1234567890abcdefULL;
	o->network->prefix6 = strdup("fd12:3456:789a::/48");
	return o;
}

static Mmesh__V1__Object *subnet(void)
{
	static const char *const words[] = { "prefix", "10.20.1.0/24", NULL };
	Mmesh__V1__Object *o = object("subnet", "acme/prod/web", words);

	o->subnet->number = 1;
	o->subnet->nodes = 2;
	o->subnet->prefix6 = strdup("fd12:3456:789a:1::/64");
	return o;
}

static Mmesh__V1__PeerPath *peer_path(void)
{
	Mmesh__V1__PeerPath *path = malloc(sizeof(*path));

	mmesh__v1__peer_path__init(path);
	path->peer = strdup("phone");
	path->path = strdup("relay r1");
	return path;
}

static Mmesh__V1__Object *node(void)
{
	static const char *const words[] = {
		"kind",	 "connected",	 "address", "10.20.1.1,fd12:3456:789a:1::1",
		"tag",	 "db,strong",	 "route",   "192.0.2.0/24@5*2,198.51.100.0/24",
		"relay", "on",
		"mesh-key", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
		NULL
	};
	Mmesh__V1__Object *o = object("node", "acme/prod/web/db1", words);

	o->node->suite = strdup("aes256gcm");
	o->node->endpoint = calloc(1, sizeof(char *));
	o->node->endpoint[0] = strdup("203.0.113.5:57775");
	o->node->n_endpoint = 1;
	o->node->online = true;
	o->node->last_seen = GOLDEN_NOW - MINUTE;
	o->node->version = strdup("0.1.0");
	o->node->path = calloc(1, sizeof(*o->node->path));
	o->node->path[0] = peer_path();
	o->node->n_path = 1;
	return o;
}

static Mmesh__V1__Object *phone(void)
{
	static const char *const words[] = { "kind", "wireguard", "address", "10.20.1.2", NULL };
	Mmesh__V1__Object *o = object("node", "acme/prod/web/phone", words);

	o->node->config = strdup("[Interface]\nAddress = 10.20.1.2/32\n");
	return o;
}

static Mmesh__V1__Object *zone(void)
{
	Mmesh__V1__Object *o = object("zone", "acme/eu", NULL);

	o->zone->relay = calloc(1, sizeof(char *));
	o->zone->relay[0] = strdup("acme/prod/web/db1");
	o->zone->n_relay = 1;
	return o;
}

static Mmesh__V1__Object *token(void)
{
	static const char *const words[] = { "uses", "3", "expires", "1h", "tag", "ci", NULL };
	Mmesh__V1__Object *o = object("token", "acme/prod/web/t1", words);

	o->token->used = 1;
	return o;
}

/* All forms of @o, or with @second of both, and frees them. */
static void show_kind(const char *kind, Mmesh__V1__Object *o, Mmesh__V1__Object *second, bool table)
{
	Mmesh__V1__Object *both[] = { o, second };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct golden golden;
		struct tool tool;
		char name[128];

		golden_begin(&golden, forms[i].form, forms[i].pretty, false);
		tool_for(&tool, &golden, &forms[i]);
		show_objects(&tool, kind_by_name(kind), both, second ? 2 : 1, table);
		(void)snprintf(name, sizeof(name), "ctl-%s-%s%s", kind, table ? "list" : "show",
			       forms[i].suffix);
		golden_end(&golden, name);
	}
	mmesh__v1__object__free_unpacked(o, NULL);
	mmesh__v1__object__free_unpacked(second, NULL);
}

static void lists(void **state)
{
	(void)state;
	show_kind("tenant", tenant(), NULL, true);
	show_kind("network", network("acme/prod"), network("acme/a-longer-name"), true);
	show_kind("subnet", subnet(), NULL, true);
	show_kind("node", node(), phone(), true);
	show_kind("zone", zone(), NULL, true);
	show_kind("token", token(), NULL, true);
}

static void shows(void **state)
{
	(void)state;
	show_kind("tenant", tenant(), NULL, false);
	show_kind("network", network("acme/prod"), NULL, false);
	show_kind("subnet", subnet(), NULL, false);
	show_kind("node", node(), phone(), false);
	show_kind("zone", zone(), NULL, false);
	show_kind("token", token(), NULL, false);
}

/* The token comes back once, in the answer that made it. */
static void made_token(void **state)
{
	Mmesh__V1__Object *o = token();
	struct golden golden;
	struct tool tool;

	(void)state;
	o->token->secret = strdup("mmesh1.secret");
	golden_begin(&golden, PRINTER_JSON, true, false);
	tool_for(&tool, &golden, &forms[4]);
	show_object(&tool, kind_by_name("token"), o);
	golden_end(&golden, "ctl-token-add.json");
	golden_begin(&golden, PRINTER_BLOCKS, true, false);
	tool_for(&tool, &golden, &forms[2]);
	show_object(&tool, kind_by_name("token"), o);
	assert_int_equal(fflush(golden.p.out), 0);
	assert_null(strstr(golden.text, "mmesh1."));
	assert_int_equal(fclose(golden.p.out), 0);
	free(golden.text);
	mmesh__v1__object__free_unpacked(o, NULL);
}

/* -- status ---------------------------------------------------------------- */

static char *addresses[] = { (char *)"10.20.1.1", (char *)"fd12:3456:789a:1::1" };

static void fill_peers(Mmesh__V1__LocalPeer peer[3])
{
	for (size_t i = 0; i < 3; i++)
		mmesh__v1__local_peer__init(&peer[i]);
	peer[0].name = (char *)"db1";
	peer[0].path = (char *)"direct 203.0.113.5:57775";
	peer[0].mtu = 1412;
	peer[0].rtt_us = 3141;
	peer[0].rx_bytes = 1234567;
	peer[0].tx_bytes = 42;
	peer[0].last_handshake = GOLDEN_NOW - MINUTE;
	peer[1].name = (char *)"a-laptop";
	peer[1].path = (char *)"relay r1";
	peer[1].why = (char *)"both are behind translators that give each flow another port";
	peer[1].subnet = (char *)"web";
	peer[1].relay = true;
	peer[2].name = (char *)"idle";
	peer[2].path = (char *)"none";
	for (size_t i = 0; i < 2; i++) {
		peer[i].address = addresses;
		peer[i].n_address = i ? 1 : 2;
	}
}

static void fill_membership(Mmesh__V1__Membership *m, Mmesh__V1__LocalPeer **peers, size_t n)
{
	mmesh__v1__membership__init(m);
	m->device = (char *)"mm0";
	m->tenant = (char *)"acme";
	m->network = (char *)"prod";
	m->subnet = (char *)"web";
	m->name = (char *)"me";
	m->address = addresses;
	m->n_address = 2;
	m->up = true;
	m->controller = (char *)"connected";
	m->broker = (char *)"unreachable since 2026-11-21T14:00:00Z: connection refused";
	m->epoch = 1;
	m->sequence = 17;
	m->head_time = GOLDEN_NOW - 10;
	m->certificate_expires = GOLDEN_NOW + 24 * HOUR;
	m->repairs = 2;
	m->peer = peers;
	m->n_peer = n;
}

static void show_forms(const char *what, const Mmesh__V1__LocalStatus *status)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct golden golden;
		struct tool tool;
		char name[128];

		golden_begin(&golden, forms[i].form, forms[i].pretty, false);
		tool_for(&tool, &golden, &forms[i]);
		show_status(&tool, status);
		(void)snprintf(name, sizeof(name), "ctl-%s%s", what, forms[i].suffix);
		golden_end(&golden, name);
	}
}

static void status(void **state)
{
	Mmesh__V1__LocalStatus s = MMESH__V1__LOCAL_STATUS__INIT;
	Mmesh__V1__Health warning = MMESH__V1__HEALTH__INIT;
	Mmesh__V1__Membership m, *members[] = { &m };
	Mmesh__V1__LocalPeer peer[3], *peers[] = { &peer[0], &peer[1], &peer[2] };
	Mmesh__V1__Health *health[] = { &warning };
	char why[128];

	(void)state;
	fill_peers(peer);
	fill_membership(&m, peers, 3);
	s.version = (char *)"0.1.0";
	show_forms("status-none", &s);
	assert_string_equal(status_unready(&s, why, sizeof(why)), "this machine is in no network");
	s.membership = members;
	s.n_membership = 1;
	warning.level = (char *)"warning";
	warning.device = (char *)"mm0";
	warning.text = (char *)"The broker has been away for 15 minutes; changes come by polling.";
	s.health = health;
	s.n_health = 1;
	show_forms("status", &s);
	assert_null(status_unready(&s, why, sizeof(why)));
	warning.level = (char *)"error";
	assert_string_equal(status_unready(&s, why, sizeof(why)),
			    "mm0: The broker has been away for 15 minutes; changes come by polling");
	m.up = false;
	assert_string_equal(status_unready(&s, why, sizeof(why)), "mm0 is down");
	assert_ptr_equal(status_peer(&s, "a-laptop"), &peer[1]);
	assert_ptr_equal(status_peer(&s, "fd12:3456:789a:1::1"), &peer[0]);
	assert_null(status_peer(&s, "me"));
}

/* -- apply ----------------------------------------------------------------- */

static void changes(void **state)
{
	static char *fields[] = { (char *)"prefix: \"\" -> \"10.20.0.0/16\"",
				  (char *)"routed_subnets: off -> on" };
	Mmesh__V1__ApplyReply reply = MMESH__V1__APPLY_REPLY__INIT;
	Mmesh__V1__Change change[3], *all[] = { &change[0], &change[1], &change[2] };
	static const char *const verbs[] = { "create", "change", "same" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		mmesh__v1__change__init(&change[i]);
		change[i].verb = (char *)verbs[i];
		change[i].kind = (char *)"network";
		change[i].path = (char *)"acme/prod";
		change[i].field = fields;
		change[i].n_field = 2 - i;
	}
	reply.change = all;
	reply.n_change = 3;
	for (int dry = 0; dry < 2; dry++) {
		for (size_t i = 0; i < ARRAY_SIZE(forms); i += ARRAY_SIZE(forms) - 1) {
			struct golden golden;
			struct tool tool;
			char name[128];

			golden_begin(&golden, forms[i].form, forms[i].pretty, false);
			tool_for(&tool, &golden, &forms[i]);
			show_changes(&tool, &reply, dry);
			(void)snprintf(name, sizeof(name), "ctl-apply%s%s", dry ? "-dry" : "",
				       forms[i].suffix);
			golden_end(&golden, name);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),  cmocka_unit_test(shows),   cmocka_unit_test(made_token),
		cmocka_unit_test(status), cmocka_unit_test(changes),
	};

	return cmocka_run_group_tests_name("ctl-show", tests, NULL, NULL);
}
