// SPDX-License-Identifier: Apache-2.0
#include "path.h"

#include <errno.h>
#include <linux/mmesh.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"

static const char *const states[] = {
	[MMESH_PATH_STATE_UNKNOWN] = "unknown",
	[MMESH_PATH_STATE_PROBING] = "probing",
	[MMESH_PATH_STATE_ALIVE] = "alive",
	[MMESH_PATH_STATE_DEAD] = "dead",
};

static const char *const reasons[] = {
	[MMESH_PATH_REASON_NONE] = "none",
	[MMESH_PATH_REASON_NOT_PROBED] = "not-probed",
	[MMESH_PATH_REASON_NO_ANSWER] = "no-answer",
	[MMESH_PATH_REASON_STOPPED_ANSWERING] = "stopped-answering",
	[MMESH_PATH_REASON_NO_DATA] = "no-data",
	[MMESH_PATH_REASON_NO_ROUTE] = "no-route",
};

static const char *const sources[] = { "configured", "learnt", "told", "relay" };

static void format(char *ret_text, const char *const *names, size_t n, uint32_t value)
{
	if (value < n && names[value])
		(void)snprintf(ret_text, MMESH_PATH_TEXT_SIZE, "%s", names[value]);
	else
		(void)snprintf(ret_text, MMESH_PATH_TEXT_SIZE, "%u", value);
}

void mmesh_path_state_format(char ret_text[MMESH_PATH_TEXT_SIZE], uint32_t state)
{
	format(ret_text, states, ARRAY_SIZE(states), state);
}

void mmesh_path_reason_format(char ret_text[MMESH_PATH_TEXT_SIZE], uint32_t reason)
{
	format(ret_text, reasons, ARRAY_SIZE(reasons), reason);
}

const char *mmesh_path_source_name(unsigned int i)
{
	return i < ARRAY_SIZE(sources) ? sources[i] : NULL;
}

void mmesh_paths_clear(struct mmesh_paths *paths)
{
	if (!paths)
		return;
	free(paths->item);
	*paths = (struct mmesh_paths){ 0 };
}

static bool parse_endpoint(union endpoint *ep, const struct mmesh_attrs *attrs)
{
	uint32_t port;

	if (!mmesh_attr_u32(attrs, MMESH_A_PATH_PORT, &port))
		return false;
	if (mmesh_attr_bytes(attrs, MMESH_A_PATH_ADDR4, &ep->in4.sin_addr,
			     sizeof(ep->in4.sin_addr))) {
		ep->in4.sin_family = AF_INET;
		ep->in4.sin_port = htons((uint16_t)port);
		return true;
	}
	if (!mmesh_attr_bytes(attrs, MMESH_A_PATH_ADDR6, &ep->in6.sin6_addr,
			      sizeof(ep->in6.sin6_addr)))
		return false;
	ep->in6.sin6_family = AF_INET6;
	ep->in6.sin6_port = htons((uint16_t)port);
	(void)mmesh_attr_u32(attrs, MMESH_A_PATH_SCOPE, &ep->in6.sin6_scope_id);
	return true;
}

int mmesh_path_parse(struct mmesh_path *ret, const struct nlmsghdr *msg, struct error *err)
{
	struct mmesh_attrs attrs;
	int r;

	*ret = (struct mmesh_path){ 0 };
	r = mmesh_attrs_read(&attrs, MMESH_A_PATH_MAX, msg, err);
	if (r < 0)
		return r;
	if (!mmesh_attr_bytes(&attrs, MMESH_A_PATH_PUBLIC_KEY, ret->public_key, KEY_LEN))
		return error_set(err, EPROTO, "the kernel sent a path without a public key");
	/* A newer kernel may know paths that aren't addresses. */
	(void)parse_endpoint(&ret->endpoint, &attrs);
	ret->has_relay = mmesh_attr_bytes(&attrs, MMESH_A_PATH_RELAY, ret->relay, KEY_LEN);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_IFINDEX, &ret->ifindex);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_STATE, &ret->state);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_REASON, &ret->reason);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_SOURCES, &ret->sources);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_RTT_US, &ret->rtt_us);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_LOSS, &ret->loss);
	(void)mmesh_attr_u32(&attrs, MMESH_A_PATH_MTU, &ret->mtu);
	ret->current = attrs.at[MMESH_A_PATH_CURRENT];
	ret->answered = mmesh_attr_u64(&attrs, MMESH_A_PATH_AGE_MS, &ret->age_ms);
	return 0;
}

struct path_reading {
	struct mmesh_paths *paths;
	size_t keep; /* paths that were there before */
};

static int read_path(const struct nlmsghdr *msg, void *user, struct error *err)
{
	struct path_reading *rd = user;
	struct mmesh_paths *paths = rd->paths;

	if (paths->count == paths->room) {
		size_t room = paths->room ? paths->room * 2 : 16;
		struct mmesh_path *item = reallocarray(paths->item, room, sizeof(*item));

		if (!item)
			return error_oom(err);
		paths->item = item;
		paths->room = room;
	}
	return mmesh_path_parse(&paths->item[paths->count++], msg, err);
}

static void forget_paths(void *user)
{
	struct path_reading *rd = user;

	rd->paths->count = rd->keep;
}

int mmesh_path_read(struct mmesh_client *client, struct mmesh_paths *paths, const char *device,
		    const uint8_t *key, struct error *err)
{
	struct path_reading rd = { .paths = paths, .keep = paths->count };
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, MMESH_CMD_PATH_GET, 0);
	int r;

	mnl_attr_put_strz(msg, MMESH_A_PATH_IFNAME, device);
	if (key)
		mnl_attr_put(msg, MMESH_A_PATH_PUBLIC_KEY, KEY_LEN, key);
	r = nl_read_all(&client->nl, msg, read_path, forget_paths, &rd, err);
	if (r < 0)
		forget_paths(&rd);
	return r;
}

int mmesh_path_change(struct mmesh_client *client, const char *device, const uint8_t key[KEY_LEN],
		      const union endpoint *ep, bool remove, struct error *err)
{
	uint8_t cmd = remove ? MMESH_CMD_PATH_DEL : MMESH_CMD_PATH_ADD;
	struct nlmsghdr *msg = nl_start_genl(&client->nl, client->family, cmd, 0);

	mnl_attr_put_strz(msg, MMESH_A_PATH_IFNAME, device);
	mnl_attr_put(msg, MMESH_A_PATH_PUBLIC_KEY, KEY_LEN, key);
	if (ep->sa.sa_family == AF_INET) {
		mnl_attr_put(msg, MMESH_A_PATH_ADDR4, sizeof(ep->in4.sin_addr),
			     &ep->in4.sin_addr);
	} else {
		mnl_attr_put(msg, MMESH_A_PATH_ADDR6, sizeof(ep->in6.sin6_addr),
			     &ep->in6.sin6_addr);
		if (ep->in6.sin6_scope_id && IN6_IS_ADDR_LINKLOCAL(&ep->in6.sin6_addr))
			mnl_attr_put_u32(msg, MMESH_A_PATH_SCOPE, ep->in6.sin6_scope_id);
	}
	mnl_attr_put_u32(msg, MMESH_A_PATH_PORT, endpoint_port(ep));
	return nl_request(&client->nl, msg, NULL, NULL, err);
}
