// SPDX-License-Identifier: Apache-2.0
/*
 * Every form of every output against a file. After a change that is meant, run
 * with UPDATE_GOLDEN=1 and read the difference.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "golden.h"
#include "show-event.h"
#include "show.h"
#include "unit.h"

/* The two devices of the fixtures, with what only mmesh has. */
static void read_devices(struct mmesh_device dev[2])
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/full.uapi", getenv("DATA_DIR"));
	fixture_read(&dev[0], path, "mm0");
	dev[0].peer[1].suite = MMESH_SUITE_AES256GCM;
	dev[0].n_suites = 2;
	dev[0].suite[0] = (struct mmesh_suite_info){ .driver = "chacha20poly1305-lib" };
	dev[0].suite[1] = (struct mmesh_suite_info){
		.suite = MMESH_SUITE_AES256GCM, .driver = "generic-gcm-aesni", .slow = true
	};
	mmesh_device_sort_by_handshake(&dev[0]);
	(void)snprintf(path, sizeof(path), "%s/empty.uapi", getenv("DATA_DIR"));
	fixture_read(&dev[1], path, "mm1");
}

static void devices(struct golden *o, const struct show_options *opt, const char *golden)
{
	struct mmesh_device dev[2];

	read_devices(dev);
	printer_begin(&o->p);
	printer_open_array(&o->p, "devices");
	for (size_t i = 0; i < ARRAY_SIZE(dev); i++) {
		show_device(&o->p, &dev[i], opt);
		mmesh_device_clear(&dev[i]);
	}
	printer_close_array(&o->p);
	printer_end(&o->p);
	golden_end(o, golden);
}

static void peers(struct golden *o, const struct show_options *opt, const char *golden)
{
	struct mmesh_device dev[2];

	read_devices(dev);
	printer_begin(&o->p);
	printer_open_array(&o->p, "peers");
	for (size_t i = 0; i < dev[0].n_peers; i++)
		show_peer(&o->p, "mm0", &dev[0].peer[i], opt);
	printer_close_array(&o->p);
	printer_end(&o->p);
	golden_end(o, golden);
	mmesh_device_clear(&dev[0]);
	mmesh_device_clear(&dev[1]);
}

static void dev_show(void **state)
{
	const struct show_options plain = { 0 };
	const struct show_options details = { .details = true };
	const struct show_options brief = { .brief = true };
	const struct show_options keys = { .show_keys = true };
	struct golden o;

	(void)state;
	golden_begin(&o, PRINTER_BLOCKS, false, false);
	devices(&o, &plain, "dev-show.txt");
	golden_begin(&o, PRINTER_BLOCKS, false, true);
	devices(&o, &details, "dev-show-details-colour.txt");
	golden_begin(&o, PRINTER_BLOCKS, false, false);
	devices(&o, &keys, "dev-show-keys.txt");
	golden_begin(&o, PRINTER_BLOCKS, false, false);
	devices(&o, &brief, "dev-show-brief.txt");
	golden_begin(&o, PRINTER_ONELINE, false, false);
	devices(&o, &plain, "dev-show-oneline.txt");
	golden_begin(&o, PRINTER_JSON, true, false);
	devices(&o, &plain, "dev-show.json");
	golden_begin(&o, PRINTER_JSON, true, false);
	devices(&o, &details, "dev-show-details.json");
	golden_begin(&o, PRINTER_JSON, false, true);
	devices(&o, &keys, "dev-show-keys.json");
}

static void peer_show(void **state)
{
	const struct show_options plain = { 0 };
	const struct show_options brief = { .brief = true };
	const struct show_options keys = { .show_keys = true };
	struct golden o;

	(void)state;
	golden_begin(&o, PRINTER_BLOCKS, false, false);
	peers(&o, &plain, "peer-show.txt");
	golden_begin(&o, PRINTER_BLOCKS, false, true);
	peers(&o, &plain, "peer-show-colour.txt");
	golden_begin(&o, PRINTER_BLOCKS, false, false);
	peers(&o, &brief, "peer-show-brief.txt");
	golden_begin(&o, PRINTER_ONELINE, false, false);
	peers(&o, &plain, "peer-show-oneline.txt");
	golden_begin(&o, PRINTER_JSON, true, false);
	peers(&o, &plain, "peer-show.json");
	golden_begin(&o, PRINTER_JSON, true, false);
	peers(&o, &keys, "peer-show-keys.json");
}

static void stats(enum printer_form form, const struct show_options *opt, const char *golden)
{
	struct mmesh_stats stats = { .name = "mm0", .ifindex = 7 };
	struct golden o;

	for (uint32_t i = 0; i < MMESH_STAT_COUNT; i++)
		stats.counter[stats.count++] = (struct mmesh_counter){ i, i % 3 ? 0 : i * 1000 };
	/* One that this library has no name for. */
	stats.counter[stats.count++] = (struct mmesh_counter){ 100000, UINT64_MAX };
	golden_begin(&o, form, form == PRINTER_JSON, false);
	printer_begin(&o.p);
	printer_open_array(&o.p, "stats");
	show_stats(&o.p, &stats, opt);
	printer_close_array(&o.p);
	printer_end(&o.p);
	golden_end(&o, golden);
}

static void stat_show(void **state)
{
	(void)state;
	stats(PRINTER_BLOCKS, &(struct show_options){ 0 }, "stat-show.txt");
	stats(PRINTER_BLOCKS, &(struct show_options){ .brief = true }, "stat-show-brief.txt");
	stats(PRINTER_BLOCKS, &(struct show_options){ .details = true }, "stat-show-details.txt");
	stats(PRINTER_ONELINE, &(struct show_options){ 0 }, "stat-show-oneline.txt");
	stats(PRINTER_JSON, &(struct show_options){ 0 }, "stat-show.json");
}

static void events_of_misses(struct golden *o, bool timestamp)
{
	const union endpoint address = {
		.in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010007) },
	};
	const union endpoint source = {
		.in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201),
			 .sin_port = htons(51820) },
	};
	const struct mmesh_miss misses[] = {
		{ .address = address },
		{ .has_key = true, .public_key = { 7 }, .address = source },
		{ .has_key = true, .public_key = { 7 }, .has_relay = true, .relay = { 8 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(misses); i++) {
		const struct mmesh_event event = {
			.command = MMESH_CMD_PEER_MISS_NTF,
			.ifindex = 7,
			.has_miss = true,
			.miss = misses[i],
		};

		show_event(&o->p, &event, "mm0", timestamp);
	}
}

static void events(enum printer_form form, bool timestamp, const char *golden)
{
	static const uint8_t commands[] = {
		MMESH_CMD_DEV_NTF,	MMESH_CMD_PEER_ADD_NTF,	 MMESH_CMD_PEER_CHANGE_NTF,
		MMESH_CMD_PEER_DEL_NTF, MMESH_CMD_HANDSHAKE_NTF, MMESH_CMD_ENDPOINT_NTF,
		MMESH_CMD_MAX + 1,
	};
	struct mmesh_device dev[2];
	struct golden o;

	read_devices(dev);
	golden_begin(&o, form, false, false);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		bool of_device = commands[i] == MMESH_CMD_DEV_NTF;
		const struct mmesh_event event = {
			.command = commands[i],
			.ifindex = 7,
			.device = of_device ? &dev[0] : NULL,
			.peer = of_device || commands[i] > MMESH_CMD_MAX ? NULL : &dev[0].peer[0],
		};

		show_event(&o.p, &event, "mm0", timestamp);
	}
	events_of_misses(&o, timestamp);
	golden_end(&o, golden);
	mmesh_device_clear(&dev[0]);
	mmesh_device_clear(&dev[1]);
}

static void monitor(void **state)
{
	(void)state;
	events(PRINTER_BLOCKS, false, "monitor.txt");
	events(PRINTER_BLOCKS, true, "monitor-timestamp.txt");
	events(PRINTER_JSON, false, "monitor.jsonl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dev_show),
		cmocka_unit_test(peer_show),
		cmocka_unit_test(stat_show),
		cmocka_unit_test(monitor),
	};

	return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
