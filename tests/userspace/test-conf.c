// SPDX-License-Identifier: Apache-2.0
#include "conf.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#define KEY1 "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define KEY2 "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PEER1 "[Peer]\nPublicKey = " KEY1 "\n"

static const struct mmesh_conf_lookup numeric = { .numeric_only = true };

static void refused(const char *text, const char *where, const char *why)
{
	struct mmesh_device dev;
	struct error err = { 0 };

	memset(&dev, 0xaa, sizeof(dev));
	assert_int_equal(mmesh_conf_parse(&dev, text, strlen(text), "f.conf", &numeric, &err),
			 -EINVAL);
	if (strncmp(err.text, where, strlen(where)) || !strstr(err.text, why))
		fail_msg("\"%s\" is not \"%s\" with \"%s\"", err.text, where, why);
	assert_int_equal(dev.n_peers, 0);
	assert_null(dev.peer);
}

/* Each error names the file, the line and the field. */
static void errors(void **state)
{
	(void)state;
	refused("\n\nListenPort = 1\n", "f.conf:3: ", "before the first section");
	refused("[Interface]\nListenPort = 65536\n", "f.conf:2: ListenPort: ", "0 to 65535");
	refused("[Interface]\nPrivateKey = abc\n", "f.conf:2: PrivateKey: ", "44 characters");
	refused("[Interface]\nPrivateKey =\n", "f.conf:2: PrivateKey: ", "empty");
	refused("[Interface]\nFwMark = -1\n", "f.conf:2: FwMark: ", "firewall mark");
	refused("[Interface]\n#\n\nPublicKey = " KEY1 "\n", "f.conf:4: ", "not a field of [Interface]");
	refused("[Interface]\nAddress = 10.0.0.1/24\n", "f.conf:2: ", "wg-quick strip");
	refused("[Interface]\nListenPort 5\n", "f.conf:2: ", "neither a section");
	refused("[Bogus]\n", "f.conf:1: ", "expected [Interface] or [Peer]");
	refused("[Interface\n", "f.conf:1: ", "expected [Interface] or [Peer]");
	refused("[Peer]\nEndpoint = 1.2.3.4:5\n\n[Interface]\n", "f.conf:1: PublicKey: ", "has none");
	refused("[Peer]\n", "f.conf:1: PublicKey: ", "has none");
	refused(PEER1 "AllowedIPs = 10.0.0.0/33\n", "f.conf:3: AllowedIPs: ", "0 to 32");
	refused(PEER1 "AllowedIPs = 10.0.0.0/8,,\n", "f.conf:3: AllowedIPs: ", "empty entry");
	refused(PEER1 "Endpoint = 1.2.3.4\n", "f.conf:3: Endpoint: ", "port is missing");
	refused(PEER1 "Endpoint = name.example:5\n", "f.conf:3: Endpoint: ", "not an address");
	refused(PEER1 "PersistentKeepalive = 70000\n", "f.conf:3: PersistentKeepalive: ", "65535");
	refused(PEER1 "PresharedKey = " KEY1 KEY1 "\n", "f.conf:3: PresharedKey: ", "longer");
	refused(PEER1 "Suite = rot13\n", "f.conf:3: Suite: ", "wireguard, aes256gcm");
	refused(PEER1 "ListenPort = 1\n", "f.conf:3: ", "not a field of [Peer]");
}

static void secrets_stay_out_of_errors(void **state)
{
	const char text[] = "[Interface]\nPrivateKey = c2VjcmV0\n";
	struct mmesh_device dev;
	struct error err;

	(void)state;
	assert_int_equal(mmesh_conf_parse(&dev, text, strlen(text), "f", &numeric, &err), -EINVAL);
	assert_null(strstr(err.text, "c2VjcmV0"));
}

static void zero_byte(void **state)
{
	const char text[] = "[Interface]\nListen\0Port = 1\n";
	struct mmesh_device dev;
	struct error err;

	(void)state;
	assert_int_equal(mmesh_conf_parse(&dev, text, sizeof(text) - 1, "f", &numeric, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "zero byte"));
}

static void parse(struct mmesh_device *dev, const char *text)
{
	struct error err;

	if (mmesh_conf_parse(dev, text, strlen(text), "f", &numeric, &err) < 0)
		fail_msg("%s", err.text);
}

static void values(void **state)
{
	struct mmesh_device dev;

	(void)state;
	parse(&dev, "[Interface]\nFwMark = 0x10\n" PEER1
		    "AllowedIPs = 10.0.0.0/8\nAllowedIPs = fd00::/8, 10.9.8.7/24\nAllowedIPs =\n"
		    "Suite = aes256gcm\nEndpoint = 1.1.1.1:1\nEndpoint = 2.2.2.2:2\n");
	assert_int_equal(dev.has, MMESH_DEVICE_HAS_FWMARK);
	assert_int_equal(dev.fwmark, 16);
	assert_int_equal(dev.n_peers, 1);
	assert_int_equal(dev.peer[0].allowed_ips.count, 3);
	assert_true(dev.peer[0].replace_allowed_ips);
	assert_int_equal(dev.peer[0].suite, MMESH_SUITE_AES256GCM);
	assert_int_equal(endpoint_port(&dev.peer[0].endpoint), 2);
	mmesh_device_clear(&dev);
	parse(&dev, PEER1 "AllowedIPs = +10.0.0.0/8, -10.1.0.0/16\n");
	assert_false(dev.peer[0].replace_allowed_ips);
	assert_true(dev.peer[0].allowed_ips.item[1].remove);
	mmesh_device_clear(&dev);
}

/* What showconf writes, setconf reads. */
static void roundtrip(void **state)
{
	static const char text[] = "[Interface]\nListenPort = 51820\nFwMark = 0x1\n\n" PEER1
				   "AllowedIPs = 10.0.0.0/8, fd00::/64\n"
				   "Endpoint = [2001:db8::1]:9\nPersistentKeepalive = 25\n"
				   "Suite = aes256gcm\n\n[Peer]\nPublicKey = " KEY2
				   "\nPresharedKey = " KEY1 "\n";
	struct mmesh_device dev;
	char *back = NULL;
	size_t len;
	FILE *out;

	(void)state;
	parse(&dev, text);
	out = open_memstream(&back, &len);
	assert_non_null(out);
	mmesh_conf_write(out, &dev);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(back, text);
	free(back);
	mmesh_device_clear(&dev);
}

static void files(void **state)
{
	struct mmesh_device dev;
	struct error err;

	(void)state;
	assert_int_equal(mmesh_conf_read(&dev, "/nonexistent.conf", &numeric, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent.conf"));
	assert_int_equal(mmesh_conf_read(&dev, "/", &numeric, &err), -EISDIR);
	assert_int_equal(mmesh_conf_read(&dev, "/dev/null", &numeric, &err), 0);
	assert_int_equal(dev.n_peers, 0);
	assert_int_equal(mmesh_conf_read(&dev, "/dev/zero", &numeric, &err), -EFBIG);
}

static void many_peers(void **state)
{
	enum { PEERS = 65000 };
	struct mmesh_device dev;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	for (unsigned int i = 0; i < PEERS; i++) {
		uint8_t key[KEY_LEN] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };
		char base64[KEY_TEXT_SIZE];

		key_format(base64, key);
		fprintf(out, "[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.%u.%u/32\nEndpoint = "
			     "192.0.2.1:%u\n",
			base64, i >> 16, i >> 8 & 255, i & 255, i % 65535 + 1);
	}
	assert_int_equal(fclose(out), 0);
	parse(&dev, text);
	assert_int_equal(dev.n_peers, PEERS);
	mmesh_device_clear(&dev);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),    cmocka_unit_test(secrets_stay_out_of_errors),
		cmocka_unit_test(zero_byte), cmocka_unit_test(values),
		cmocka_unit_test(roundtrip), cmocka_unit_test(files),
		cmocka_unit_test(many_peers),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
