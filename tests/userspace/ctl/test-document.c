// SPDX-License-Identifier: Apache-2.0
/* Files of objects: both notations, places of mistakes, and the way back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "unit.h"

static char said[4096];

static void say(void *arg, const char *mistake)
{
	(void)arg;
	(void)snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", mistake);
}

static int read_text(struct documents *ret, const char *text)
{
	said[0] = '\0';
	return documents_read(ret, "f", text, strlen(text), 0, say, NULL);
}

static const char yaml[] = "# comments are fine\n"
			   "node: acme/prod/web/phone\n"
			   "kind: wireguard\n"
			   "mesh-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
			   "address: [10.20.1.9, \"fd00::9\"]\n"
			   "tag: [a, b]\n"
			   "route: [192.0.2.0/24@5*2]\n"
			   "---\n"
			   "- network: acme/prod\n"
			   "  prefix: 10.20.0.0/16\n"
			   "  routed-subnets: on\n"
			   "  zone: eu\n"
			   "- {subnet: acme/prod/web}\n"
			   "---\n"
			   "zone: acme/eu\n"
			   "---\n"
			   "tenant: acme\n";

static const char json[] =
	"{\"schema\": \"mmesh/1\", \"objects\": [\n"
	"\t{\"tenant\": \"acme\"},\n"
	"\t{\"zone\": \"acme/eu\"},\n"
	"\t{\"network\": \"acme/prod\", \"prefix\": \"10.20.0.0/16\", \"routed_subnets\": true, "
	"\"zone\": \"eu\", \"locked\": false, \"mtu\": null},\n"
	"\t{\"subnet\": \"acme/prod/web\"},\n"
	"\t{\"node\": \"acme/prod/web/phone\", \"kind\": \"wireguard\", \"address\": [\"10.20.1.9\", "
	"\"fd00::9\"], \"tag\": [\"a\", \"b\"],\n"
	"\t \"mesh_key\": \"hSDwCYkwp1R0i33ctD73Wg2\\/Og0mOBr066SpjqqbTmo=\",\n"
	"\t \"route\": [{\"prefix\": \"192.0.2.0/24\", \"priority\": 5, \"weight\": 2}]}]}\n";

static const char normal[] = "---\n"
			     "tenant: acme\n"
			     "---\n"
			     "zone: acme/eu\n"
			     "---\n"
			     "network: acme/prod\n"
			     "prefix: 10.20.0.0/16\n"
			     "routed-subnets: on\n"
			     "zone: eu\n"
			     "---\n"
			     "subnet: acme/prod/web\n"
			     "---\n"
			     "node: acme/prod/web/phone\n"
			     "kind: wireguard\n"
			     "mesh-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
			     "address: [10.20.1.9, \"fd00::9\"]\n"
			     "tag: [a, b]\n"
			     "route: [\"192.0.2.0/24@5*2\"]\n";

static void both_notations(void **state)
{
	static const char *const texts[] = { yaml, json, normal };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct documents documents;
		char *text = NULL;
		size_t len;
		FILE *out;

		if (read_text(&documents, texts[i]))
			fail_msg("%s", said);
		assert_int_equal(documents.count, 5);
		out = open_memstream(&text, &len);
		for (size_t j = 0; j < documents.count; j++)
			document_write(out, documents.object[j]);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(text, normal);
		free(text);
		documents_clear(&documents);
	}
}

static void mistakes(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "network: acme/prod\nprefix: 10.20.0.0\n",
		  "f:2: prefix: \"10.20.0.0\" has no length; expected ADDRESS/LENGTH\n" },
		{ "network: acme\n",
		  "f:1: network: \"acme\" has 1 name; the path of a network is TENANT/NETWORK\n" },
		{ "network: [a]\n", "f:1: network: expected a path\n" },
		{ "\nprefix: 10.0.0.0/8\n",
		  "f:2: no key says what this is; expected one of: tenant, zone, network, subnet, "
		  "node, with the path as its value\n" },
		{ "network: a/b\ncolour: red\nprefix: x/8\n",
		  "f:2: colour: a network has no such field; expected one of: prefix, "
		  "routed-subnets, locked, zone, mtu\nf:3: prefix: " },
		{ "network: a/b\nkernel-id: 5\n",
		  "f:2: kernel-id: the controller decides this of a network\n" },
		{ "network: a/b\nmtu: 5\nmtu: 6\n", "f:3: mtu: given twice\n" },
		{ "network: a/b\nrouted-subnets: [on]\n",
		  "f:2: routed-subnets: expected on or off\n" },
		{ "network: a/b\nrouted-subnets: maybe\n", "f:2: routed-subnets: \"maybe\"" },
		{ "network: a/b\nprefix: {a: b}\n", "f:2: prefix: expected ADDRESS/LENGTH\n" },
		{ "node: a/b/c/d\ntag: [x, [y]]\n",
		  "f:2: tag: expected names, separated by commas\n" },
		{ "node: a/b/c/d\nroute: [{priority: 5}]\n", "f:2: route: expected PREFIX[@" },
		{ "network: a/b\nsubnet: a/b/c\n",
		  "f:2: subnet: this object is a network already; each needs a document or a list "
		  "item of its own\n" },
		{ "tenant: a\n---\ntenant: a\n", "f:3: tenant: a is in line 1 already\n" },
		{ "token: a/b/c/d\n",
		  "f:1: token: a secret is not kept in files; \"mmesh token add\" makes one\n" },
		{ "just words\n",
		  "f:1: expected an object: \"network: TENANT/NETWORK\" and so on\n" },
		{ "tenant: \"a\\0b\"\n", "f:1: tenant: expected a path\n" },
		{ "tenant: a\n  x: [\n", "f:" },
		{ "\xff\xfe", "f:1: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct documents documents;

		assert_int_equal(read_text(&documents, cases[i].text), -EINVAL);
		assert_int_equal(documents.count, 0);
		if (strncmp(said, cases[i].said, strlen(cases[i].said)))
			fail_msg("case %zu: \"%s\", not \"%s\"", i, said, cases[i].said);
	}
}

static void nothing(void **state)
{
	struct documents documents;

	(void)state;
	assert_int_equal(read_text(&documents, ""), 0);
	assert_int_equal(documents.count, 0);
	assert_int_equal(read_text(&documents, "# only this\n---\n"), 0);
	assert_int_equal(documents.count, 0);
}

/* A network's zone is a field of it, whichever comes first. */
static void zone_in_network(void **state)
{
	struct documents documents;

	(void)state;
	assert_int_equal(read_text(&documents, "zone: eu\nnetwork: a/b\n"), 0);
	assert_int_equal(documents.count, 1);
	assert_int_equal(documents.object[0]->kind_case, MMESH__V1__OBJECT__KIND_NETWORK);
	assert_string_equal(documents.object[0]->network->zone, "eu");
	documents_clear(&documents);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_notations),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(nothing),
		cmocka_unit_test(zone_in_network),
	};

	return cmocka_run_group_tests_name("ctl-document", tests, NULL, NULL);
}
