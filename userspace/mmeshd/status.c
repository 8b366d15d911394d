// SPDX-License-Identifier: Apache-2.0
/* What a person is told: memberships, peers, and health in sentences. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "daemon.h"
#include "device.h"
#include "mmesh/v1/local.pb-c.h"
#include "peer.h"

typedef Mmesh__V1__LocalStatus Status;
typedef Mmesh__V1__Membership Membership;
typedef Mmesh__V1__LocalPeer Peer;
typedef Mmesh__V1__Health Health;

enum { EXPIRY_WARNING_S = 3 * 86400 };

/* What the kernel says about one device. */
struct seen {
	struct mmesh_device dev;
	struct mmesh_paths paths;
};

/* Room for one more pointer at the end of a repeated field. */
static bool grow(void *list, size_t n)
{
	void *more = reallocarray(*(void **)list, n + 1, sizeof(void *));

	if (more)
		*(void **)list = more;
	return more;
}

_printf_(4, 5) static void say(Status *status, const char *level, const char *device,
				const char *fmt, ...)
{
	Health *health = malloc(sizeof(*health));
	va_list args;

	if (!health || !grow(&status->health, status->n_health)) {
		free(health);
		return;
	}
	mmesh__v1__health__init(health);
	status->health[status->n_health++] = health;
	health->level = strdup(level);
	health->device = strdup(device);
	va_start(args, fmt);
	if (vasprintf(&health->text, fmt, args) < 0)
		health->text = NULL;
	va_end(args);
}

static void add_text(char ***list, size_t *n, const char *text)
{
	char *copy = strdup(text);

	if (copy && grow(list, *n))
		(*list)[(*n)++] = copy;
	else
		free(copy);
}

/* -- peers --------------------------------------------------------------------------------------- */

static const char *name_of(const struct view *view, const uint8_t *key)
{
	for (size_t i = 0; i < view->n_nodes; i++)
		if (view->nodes[i].record->mesh_key.len == KEY_LEN &&
		    !memcmp(view->nodes[i].record->mesh_key.data, key, KEY_LEN))
			return view->nodes[i].record->name;
	for (size_t i = 0; i < view->n_relays; i++)
		if (view->relay[i]->mesh_key.len == KEY_LEN &&
		    !memcmp(view->relay[i]->mesh_key.data, key, KEY_LEN))
			return view->relay[i]->name;
	return "?";
}

static const struct mmesh_path *path_in_use(const struct seen *seen, const uint8_t *key)
{
	for (size_t i = 0; i < seen->paths.count; i++)
		if (seen->paths.item[i].current &&
		    !memcmp(seen->paths.item[i].public_key, key, KEY_LEN))
			return &seen->paths.item[i];
	return NULL;
}

static const struct mmesh_path *best_direct(const struct seen *seen, const uint8_t *key)
{
	for (size_t i = 0; i < seen->paths.count; i++)
		if (!seen->paths.item[i].has_relay &&
		    !memcmp(seen->paths.item[i].public_key, key, KEY_LEN))
			return &seen->paths.item[i];
	return NULL;
}

static void explain(Peer *peer, const struct seen *seen, const uint8_t *key)
{
	const struct mmesh_path *direct = best_direct(seen, key);
	char reason[MMESH_PATH_TEXT_SIZE];

	if (!direct) {
		peer->why = strdup("no address of it is known");
		return;
	}
	mmesh_path_reason_format(reason, direct->reason);
	peer->why = strdup(reason);
}

static void tell_path(Peer *peer, const struct seen *seen, const struct view *view,
		      const struct mmesh_peer *from)
{
	const struct mmesh_path *path = path_in_use(seen, from->public_key);
	char text[ENDPOINT_TEXT_SIZE];
	int n = -1;

	if (path && path->has_relay) {
		n = asprintf(&peer->path, "relay %s", name_of(view, path->relay));
		explain(peer, seen, from->public_key);
	} else if (path || (from->has & MMESH_PEER_HAS_ENDPOINT)) {
		endpoint_format(text, path ? &path->endpoint : &from->endpoint);
		n = asprintf(&peer->path, "direct %s", text);
	} else {
		peer->path = strdup("none");
		n = 0;
		explain(peer, seen, from->public_key);
	}
	if (n < 0)
		peer->path = NULL;
	if (path) {
		peer->mtu = path->mtu;
		peer->rtt_us = path->rtt_us;
	}
}

static const struct mmesh_peer *kernel_peer(const struct seen *seen, const uint8_t *key)
{
	for (size_t i = 0; i < seen->dev.n_peers; i++)
		if (!memcmp(seen->dev.peer[i].public_key, key, KEY_LEN))
			return &seen->dev.peer[i];
	return NULL;
}

static void add_peer(Membership *ms, const struct session *s, const struct seen *seen,
		     const struct view *view, const Mmesh__V1__NodeRecord *node)
{
	const Mmesh__V1__SubnetRecord *subnet = member_subnet(s->member, node->subnet);
	const struct mmesh_peer *from = node->mesh_key.len == KEY_LEN ?
						kernel_peer(seen, node->mesh_key.data) : NULL;
	Peer *peer;

	if (!from || !grow(&ms->peer, ms->n_peer))
		return;
	peer = malloc(sizeof(*peer));
	if (!peer)
		return;
	mmesh__v1__local_peer__init(peer);
	ms->peer[ms->n_peer++] = peer;
	peer->name = strdup(node->name);
	peer->subnet = strdup(subnet ? subnet->name : "");
	for (size_t i = 0; i < node->n_address; i++)
		add_text(&peer->address, &peer->n_address, node->address[i]);
	peer->relay = node->relay;
	peer->rx_bytes = from->rx_bytes;
	peer->tx_bytes = from->tx_bytes;
	peer->last_handshake = from->handshake_sec;
	tell_path(peer, seen, view, from);
}

static void look(struct kernel *kernel, const char *device, struct seen *ret)
{
	*ret = (struct seen){ 0 };
	if (!kernel->has_module ||
	    mmesh_device_get(&kernel->client, device, false, &ret->dev, NULL) < 0)
		return;
	(void)mmesh_peer_read(&kernel->client, &ret->dev, NULL, false, NULL);
	(void)mmesh_path_read(&kernel->client, &ret->paths, device, NULL, NULL);
}

static void add_peers(Membership *ms, const struct session *s, struct kernel *kernel)
{
	struct view view;
	struct seen seen;

	if (member_view(s->member, &view, NULL) < 0)
		return;
	look(kernel, s->member->device, &seen);
	for (size_t i = 0; i < view.n_nodes; i++)
		add_peer(ms, s, &seen, &view, view.nodes[i].record);
	mmesh_device_clear(&seen.dev);
	mmesh_paths_clear(&seen.paths);
	view_clear(&view);
}

/* -- for the controller -------------------------------------------------------------------------- */

static int add_state(Mmesh__V1__ReportRequest *rq, const struct seen *seen, const struct view *view,
		     const Mmesh__V1__NodeRecord *node)
{
	const struct mmesh_peer *from = node->mesh_key.len == KEY_LEN ?
						kernel_peer(seen, node->mesh_key.data) : NULL;
	Mmesh__V1__PeerState *state;
	Peer peer;

	if (!from)
		return 0;
	state = malloc(sizeof(*state));
	if (!state || !grow(&rq->peer, rq->n_peer)) {
		free(state);
		return -ENOMEM;
	}
	mmesh__v1__local_peer__init(&peer);
	mmesh__v1__peer_state__init(state);
	rq->peer[rq->n_peer++] = state;
	tell_path(&peer, seen, view, from);
	state->node = strdup(node->node);
	state->path = peer.path;
	state->mtu = peer.mtu;
	state->rtt_us = peer.rtt_us;
	if (peer.why != protobuf_c_empty_string)
		free(peer.why);
	return 0;
}

void status_fill_report(const struct session *s, Mmesh__V1__ReportRequest *rq)
{
	struct kernel kernel = { 0 };
	struct seen seen = { 0 };
	struct view view;
	int r = 0;

	if (member_view(s->member, &view, NULL) < 0)
		return;
	if (!kernel_open(&kernel, NULL))
		look(&kernel, s->member->device, &seen);
	for (size_t i = 0; !r && i < view.n_nodes && rq->n_peer < STATUS_MAX_STATES; i++)
		r = add_state(rq, &seen, &view, view.nodes[i].record);
	mmesh_device_clear(&seen.dev);
	mmesh_paths_clear(&seen.paths);
	kernel_close(&kernel);
	view_clear(&view);
}

void status_clear_report(Mmesh__V1__ReportRequest *rq)
{
	for (size_t i = 0; i < rq->n_peer; i++)
		mmesh__v1__peer_state__free_unpacked(rq->peer[i], NULL);
	free(rq->peer);
	rq->peer = NULL;
	rq->n_peer = 0;
}

/* -- memberships --------------------------------------------------------------------------------- */

static void fill_names(Membership *ms, const struct session *s)
{
	const Mmesh__V1__NetworkRecord *network = member_network(s->member);
	const Mmesh__V1__NodeRecord *self = member_self(s->member);
	const Mmesh__V1__SubnetRecord *subnet =
		member_subnet(s->member, self ? self->subnet : s->member->subnet);

	ms->device = strdup(s->member->device);
	ms->tenant = strdup(s->member->tenant_name);
	ms->network = strdup(network ? network->name : "");
	ms->subnet = strdup(subnet ? subnet->name : "");
	ms->name = strdup(self ? self->name : s->member->name);
	for (size_t i = 0; self && i < self->n_address; i++)
		add_text(&ms->address, &ms->n_address, self->address[i]);
	ms->relay = self && self->relay;
	ms->routed_subnets = network && network->routed_subnets;
}

static void add_membership(Status *status, struct session *s, struct kernel *kernel)
{
	const struct stream *own = member_stream(s->member, s->member->subnet);
	Membership *ms = malloc(sizeof(*ms));

	if (!ms || !grow(&status->membership, status->n_membership)) {
		free(ms);
		return;
	}
	mmesh__v1__membership__init(ms);
	status->membership[status->n_membership++] = ms;
	fill_names(ms, s);
	ms->up = s->member->options.up && if_nametoindex(s->member->device);
	ms->controller = strdup(s->controller_state);
	ms->broker = strdup(s->broker_state);
	ms->epoch = own ? own->epoch : 0;
	ms->sequence = own ? own->sequence : 0;
	ms->head_time = own ? own->head_time : 0;
	ms->certificate_expires = trust_cert_not_after(s->member->cert);
	ms->repairs = s->repairs;
	add_peers(ms, s, kernel);
}

/* -- health -------------------------------------------------------------------------------------- */

static void judge_kernel(Status *status, const struct session *s)
{
	const char *device = s->member->device;

	if (*s->kernel_error.text)
		say(status, "error", device,
		    "The kernel is not as it should be: %s. It is tried again every few seconds.",
		    s->kernel_error.text);
	if (s->revoked)
		say(status, "error", device,
		    "This node was removed from its network: \"mmesh leave %s\", then join with a new token.",
		    device);
	if (s->member->damage)
		say(status, "error", device,
		    "Records on the disk were not believed (%s); the kernel stays as it is until the "
		    "controller has sent them anew.", s->member->damage);
	else if (!member_is_complete(s->member))
		say(status, "warning", device,
		    "The records of the network are not all there yet; the device is not touched until then.");
	if (s->skipped)
		say(status, "warning", device, "%u records could not be used, the first: %s.",
		    s->skipped, s->skipped_why.text);
	if (!s->member->options.up)
		say(status, "warning", device, "The device is down: \"mmesh up %s\" brings it back.",
		    device);
	if (s->repairs)
		say(status, "warning", device,
		    "Somebody else changed what belongs to this device; %" PRIu32
		    " changes were repaired.", s->repairs);
}

static void judge_control(Status *status, const struct session *s)
{
	const char *device = s->member->device;
	int64_t left = trust_cert_not_after(s->member->cert) - trust_clock_now(&s->member->clock);

	if (!s->reachable)
		say(status, "warning", device,
		    "The controller is %s. Tunnels go on; changes of the network do not arrive.",
		    s->controller_state);
	if (!s->broker_up && s->reachable)
		say(status, "warning", device,
		    "The broker is %s. Changes come from the controller itself meanwhile.",
		    s->broker_state);
	if (left < 0)
		say(status, "error", device,
		    "The certificate has expired; it is renewed as soon as the controller answers.");
	else if (left < EXPIRY_WARNING_S)
		say(status, "warning", device,
		    "The certificate expires in %" PRId64 " hours; it is renewed as soon as the "
		    "controller answers.", left / 3600);
	if (s->member->refused)
		say(status, "warning", device,
		    "%" PRIu64 " records or heads were refused, because they are old or nobody who may signed them.",
		    s->member->refused);
}

Status *status_make(struct daemon *daemon, const char *device)
{
	Status *status = malloc(sizeof(*status));
	struct kernel kernel = { 0 };

	if (!status)
		return NULL;
	mmesh__v1__local_status__init(status);
	status->version = strdup(MMESH_TOOL_VERSION);
	if (kernel_open(&kernel, NULL) < 0 || !kernel.has_module)
		say(status, "error", "",
		    "The kernel has no mmesh: load its module (modprobe mmesh).");
	for (size_t i = 0; i < daemon->n_sessions; i++) {
		struct session *s = daemon->session[i];

		if (*device && strcmp(device, s->member->device))
			continue;
		add_membership(status, s, &kernel);
		judge_kernel(status, s);
		judge_control(status, s);
	}
	if (!status->n_membership)
		say(status, "warning", "",
		    "This machine is in no network: \"mmesh join TOKEN\" makes it a node of one.");
	if (!status->n_health)
		say(status, "ok", "", "Everything is as it should be.");
	kernel_close(&kernel);
	return status;
}
