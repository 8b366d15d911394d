// SPDX-License-Identifier: Apache-2.0
/* A membership on the disk: what comes back, and that nothing that was edited does. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "signer.h"

static struct signer signer;
static char state_dir[] = "/tmp/mmeshd-test.XXXXXX";

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->text);
}

static void certify(struct member *m)
{
	struct error err = { "" };
	struct trust_key *ca_key;
	struct trust_issue issue = {
		.key = m->identity,
		.cn = m->node,
		.o = m->tenant,
		.not_before = signer.time - 100,
		.not_after = signer.time + 86400,
	};

	must(trust_key_generate(&ca_key, TRUST_KEY_P256, &err), &err);
	must(trust_ca_make(&m->ca, ca_key, "ca", signer.time - 100, signer.time + 86400, &err),
	     &err);
	must(trust_cert_issue(&m->cert, m->ca, ca_key, &issue, &err), &err);
	trust_key_unref(ca_key);
}

static void take(struct member *m, const char *subnet, Mmesh__V1__Entry **entry, size_t n)
{
	struct stream_trust trust = member_trust(m, false);
	struct error err = { "" };
	Mmesh__V1__Signed *head = signer_head(&signer, subnet, 9, entry, n);

	must(stream_take(member_stream(m, subnet), &trust, true, entry, n, head, &err), &err);
	must(member_save_stream(m, member_stream(m, subnet), &err), &err);
	mmesh__v1__signed__free_unpacked(head, NULL);
}

static struct member *make(void)
{
	struct member *m = member_new(state_dir, "mm0");
	Mmesh__V1__Entry *own[2] = { signer_network(&signer, 1, false), signer_subnet(&signer, 2) };
	Mmesh__V1__Entry *nodes[2] = { signer_node(&signer, 0, 1, 1),
				       signer_node(&signer, 1, 2, 1) };
	char *subnet = (char *)SIGNER_SUBNET;
	struct error err = { "" };

	(void)strcpy(m->node, signer_node_id(0));
	(void)strcpy(m->tenant, SIGNER_TENANT);
	(void)strcpy(m->network, SIGNER_NETWORK);
	(void)strcpy(m->subnet, SIGNER_SUBNET);
	(void)strcpy(m->name, "node0");
	(void)strcpy(m->controller[m->n_controllers++], "192.0.2.1:7000");
	m->options.listen_port = 5000;
	m->options.up = true;
	m->identity = trust_key_ref(signer.identity[0]);
	must(trust_key_public(&m->root, signer.root, &err), &err);
	must(key_generate_private(m->options.private_key, &err), &err);
	certify(m);
	must(member_trust_root(m, &err), &err);
	must(member_create(m, &err), &err);
	must(member_add_delegations(m, &signer.delegation, 1, &err), &err);
	must(member_set_streams(m, &subnet, 1, &err), &err);
	take(m, "", own, 2);
	take(m, SIGNER_SUBNET, nodes, 2);
	return m;
}

static void test_round_trip(void **state)
{
	struct member *m = make(), *back = member_new(state_dir, "mm0");
	struct error err = { "" };
	struct view view;

	(void)state;
	must(member_load(back, &err), &err);
	assert_null(back->damage);
	assert_true(member_is_complete(back));
	assert_memory_equal(m->options.private_key, back->options.private_key, KEY_LEN);
	assert_int_equal(back->options.listen_port, 5000);
	assert_string_equal(back->controller[0], "192.0.2.1:7000");
	must(member_view(back, &view, &err), &err);
	assert_int_equal(view.n_nodes, 2);
	assert_int_equal(view.n_subnets, 1);
	assert_non_null(view.nodes[0].endpoints);
	assert_int_equal(view.network->kernel_id, 5);
	view_clear(&view);
	must(member_forget(back, &err), &err);
	assert_int_equal(access(m->dir, F_OK), -1);
	member_free(back);
	member_free(m);
}

/* One byte of a file: the membership is refused, or its records are as if not there. */
static void edit(const char *name, bool member_is_lost)
{
	struct member *m = make(), *back;
	struct error err = { "" };
	uint8_t *data;
	size_t len, step;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/mm0/%s", state_dir, name);
	must(file_read(&data, &len, path, 1 << 20, &err), &err);
	step = len / 37 + 1;
	for (size_t i = 0; i < len; i += step) {
		int r;

		data[i] ^= 4;
		must(file_write(path, data, len, 0600, &err), &err);
		data[i] ^= 4;
		back = member_new(state_dir, "mm0");
		r = member_load(back, &err);
		if (member_is_lost) {
			assert_true(r < 0);
		} else {
			assert_int_equal(r, 0);
			assert_non_null(back->damage);
			assert_false(member_is_complete(back));
		}
		member_free(back);
	}
	free(data);
	must(member_forget(m, &err), &err);
	member_free(m);
}

static void test_edited(void **state)
{
	(void)state;
	edit("membership", true);
	edit("mesh.key", true);
	edit("stream-network", false);
	edit("stream-" SIGNER_SUBNET, false);
	edit("delegations", false);
}

/* A stream that was cut, or is gone, is not one with less in it. */
static void test_cut(void **state)
{
	struct member *m = make(), *back;
	struct error err = { "" };
	char path[256];
	struct stat st;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/mm0/stream-" SIGNER_SUBNET, state_dir);
	assert_int_equal(stat(path, &st), 0);
	for (off_t len = st.st_size - 1; len > 0; len -= 97) {
		assert_int_equal(truncate(path, len), 0);
		back = member_new(state_dir, "mm0");
		must(member_load(back, &err), &err);
		assert_false(member_is_complete(back));
		member_free(back);
	}
	assert_int_equal(unlink(path), 0);
	back = member_new(state_dir, "mm0");
	must(member_load(back, &err), &err);
	assert_false(member_is_complete(back));
	member_free(back);
	must(member_forget(m, &err), &err);
	member_free(m);
}

static void test_secrets_are_private(void **state)
{
	static const char *const name[] = { "identity.key", "mesh.key", "membership" };
	struct member *m = make();
	struct error err = { "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		char path[256];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/mm0/%s", state_dir, name[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	must(member_forget(m, &err), &err);
	member_free(m);
}

static int set_up(void **state)
{
	(void)state;
	signer_init(&signer);
	/* What is refused is said in the log, which would fill the test's. */
	if (!freopen("/dev/null", "w", stderr))
		return -1;
	return mkdtemp(state_dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	signer_clear(&signer);
	return rmdir(state_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_secrets_are_private),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
