// SPDX-License-Identifier: Apache-2.0
#include "stats.h"

#include <linux/genetlink.h>
#include <stdio.h>

#include "stat-names.h"

struct stats_reading {
	mmesh_stats_fn on_stats;
	void *user;
};

static int read_stats(const struct nlmsghdr *msg, void *user, struct error *err)
{
	struct stats_reading *rd = user;
	struct mmesh_stats stats = { 0 };
	const struct nlattr *attr;
	struct mmesh_attrs attrs;
	int r;

	r = mmesh_attrs_read(&attrs, MMESH_A_STATS_MAX, msg, err);
	if (r < 0)
		return r;
	(void)mmesh_attr_u32(&attrs, MMESH_A_STATS_IFINDEX, &stats.ifindex);
	(void)mmesh_attr_string(&attrs, MMESH_A_STATS_IFNAME, stats.name, sizeof(stats.name));
	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr)) {
		struct mmesh_counter *counter = &stats.counter[stats.count];

		if (mnl_attr_get_type(attr) != MMESH_A_STATS_COUNTER ||
		    stats.count == MMESH_MAX_COUNTERS)
			continue;
		r = mmesh_attrs_read_nested(&attrs, MMESH_A_COUNTER_MAX, attr, err);
		if (r < 0)
			return r;
		if (mmesh_attr_u32(&attrs, MMESH_A_COUNTER_ID, &counter->id) &&
		    mmesh_attr_u64(&attrs, MMESH_A_COUNTER_VALUE, &counter->value))
			stats.count++;
	}
	return rd->on_stats(&stats, rd->user, err);
}

int mmesh_stats_read(struct mmesh_client *client, const char *device, mmesh_stats_fn on_stats,
		     void *user, struct error *err)
{
	struct stats_reading rd = { .on_stats = on_stats, .user = user };
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_STAT_GET, 0);

	if (!device)
		return nl_read_all(&client->nl, msg, read_stats, NULL, &rd, err);
	mnl_attr_put_strz(msg, MMESH_A_STATS_IFNAME, device);
	return nl_request(&client->nl, msg, read_stats, &rd, err);
}

void mmesh_stat_name(char ret_name[MMESH_STAT_NAME_SIZE], const char **ret_meaning, uint32_t id)
{
	bool known = id < MMESH_STAT_COUNT && mmesh_stat_names[id].name;

	if (known)
		(void)snprintf(ret_name, MMESH_STAT_NAME_SIZE, "%s", mmesh_stat_names[id].name);
	else
		(void)snprintf(ret_name, MMESH_STAT_NAME_SIZE, "stat_%u", id);
	*ret_meaning = known ? mmesh_stat_names[id].meaning : "";
}
