// SPDX-License-Identifier: Apache-2.0
#include "member.h"

#include <errno.h>
#include <string.h>

struct member *member_new(const char *state, const char *device)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->device = strdup(device);
	if (!member->device || asprintf(&member->dir, "%s/%s", state, device) < 0) {
		free(member->device);
		free(member);
		return NULL;
	}
	(void)snprintf(member->options.device, sizeof(member->options.device), "%s", device);
	return member;
}

struct member *member_free(struct member *member)
{
	if (!member)
		return NULL;
	for (size_t i = 0; i < member->n_streams; i++)
		stream_clear(&member->stream[i]);
	free(member->stream);
	for (size_t i = 0; i < member->n_delegations; i++)
		mmesh__v1__signed__free_unpacked(member->delegation[i], NULL);
	free(member->delegation);
	mmesh__v1__signed__free_unpacked(member->endpoints, NULL);
	trust_anchor_free(member->anchor);
	trust_key_unref(member->identity);
	trust_key_unref(member->root);
	trust_cert_unref(member->cert);
	trust_cert_unref(member->ca);
	free(member->damage);
	free(member->device);
	free(member->dir);
	explicit_bzero(member, sizeof(*member));
	free(member);
	return NULL;
}

int member_trust_root(struct member *member, struct error *err)
{
	member->anchor = trust_anchor_free(member->anchor);
	return trust_anchor_new(&member->anchor, member->tenant, member->root, err);
}

/* -- streams ------------------------------------------------------------------------------------- */

struct stream *member_stream(struct member *member, const char *subnet)
{
	for (size_t i = 0; i < member->n_streams; i++)
		if (!strcmp(member->stream[i].subnet, subnet))
			return &member->stream[i];
	return NULL;
}

static bool is_named(const char *subnet, char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], subnet))
			return true;
	return !*subnet;
}

static int add_stream(struct member *member, const char *subnet, struct error *err)
{
	struct stream *more;

	if (member_stream(member, subnet))
		return 0;
	if (member->n_streams == MEMBER_MAX_STREAMS || (*subnet && !trust_id_is_valid(subnet)))
		return error_set(err, EBADMSG, "\"%.40s\" is no subnet's id, or one too many", subnet);
	more = reallocarray(member->stream, member->n_streams + 1, sizeof(*more));
	if (!more)
		return error_oom(err);
	member->stream = more;
	more[member->n_streams] = (struct stream){ 0 };
	(void)snprintf(more[member->n_streams++].subnet, TRUST_ID_SIZE, "%s", subnet);
	return 0;
}

int member_set_streams(struct member *member, char **subnet, size_t n, struct error *err)
{
	size_t kept = 0;
	int r;

	r = add_stream(member, "", err);
	for (size_t i = 0; !r && i < n; i++)
		r = add_stream(member, subnet[i], err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < member->n_streams; i++) {
		if (is_named(member->stream[i].subnet, subnet, n))
			member->stream[kept++] = member->stream[i];
		else
			stream_clear(&member->stream[i]);
	}
	member->n_streams = kept;
	return 0;
}

struct stream_trust member_trust(struct member *member, bool from_disk)
{
	const Mmesh__V1__NetworkRecord *network = member_network(member);

	return (struct stream_trust){
		.anchor = member->anchor,
		.network = member->network,
		.locked = network && network->locked,
		.now = from_disk ? 0 : trust_clock_now(&member->clock),
		.clock = &member->clock,
	};
}

const Mmesh__V1__NetworkRecord *member_network(const struct member *member)
{
	const struct stream_entry *e =
		member->n_streams ? stream_find(&member->stream[0], member->network) : NULL;

	if (!e || e->record->descriptor != &mmesh__v1__network_record__descriptor)
		return NULL;
	return (const Mmesh__V1__NetworkRecord *)e->record;
}

const Mmesh__V1__NodeRecord *member_self(const struct member *member)
{
	for (size_t i = 1; i < member->n_streams; i++) {
		const struct stream_entry *e = stream_find(&member->stream[i], member->node);

		if (e)
			return (const Mmesh__V1__NodeRecord *)e->record;
	}
	return NULL;
}

const Mmesh__V1__SubnetRecord *member_subnet(const struct member *member, const char *id)
{
	const struct stream_entry *e =
		member->n_streams ? stream_find(&member->stream[0], id) : NULL;

	if (!e || e->record->descriptor != &mmesh__v1__subnet_record__descriptor)
		return NULL;
	return (const Mmesh__V1__SubnetRecord *)e->record;
}

bool member_is_complete(const struct member *member)
{
	if (member->n_streams < 2)
		return false;
	for (size_t i = 0; i < member->n_streams; i++)
		if (!member->stream[i].has_state)
			return false;
	return true;
}

/* -- the view ------------------------------------------------------------------------------------ */

struct lists {
	Mmesh__V1__SubnetRecord **subnet;
	Mmesh__V1__RelayRecord **relay;
	struct view_node *node;
	size_t n_subnets, n_relays, n_nodes;
};

static void sort_out(struct lists *lists, const struct stream_entry *e)
{
	const ProtobufCMessageDescriptor *type = e->record->descriptor;

	if (type == &mmesh__v1__subnet_record__descriptor)
		lists->subnet[lists->n_subnets++] = (Mmesh__V1__SubnetRecord *)e->record;
	else if (type == &mmesh__v1__relay_record__descriptor)
		lists->relay[lists->n_relays++] = (Mmesh__V1__RelayRecord *)e->record;
	else if (type == &mmesh__v1__node_record__descriptor)
		lists->node[lists->n_nodes++] = (struct view_node){
			.record = (const Mmesh__V1__NodeRecord *)e->record,
			.endpoints = e->endpoints,
		};
}

int member_view(const struct member *member, struct view *ret, struct error *err)
{
	struct lists lists = { 0 };
	size_t n = 1;

	*ret = (struct view){ 0 };
	for (size_t i = 0; i < member->n_streams; i++)
		n += member->stream[i].count;
	lists.subnet = calloc(n, sizeof(*lists.subnet));
	lists.relay = calloc(n, sizeof(*lists.relay));
	lists.node = calloc(n, sizeof(*lists.node));
	for (size_t i = 0; lists.subnet && lists.relay && lists.node && i < member->n_streams; i++)
		for (size_t k = 0; k < member->stream[i].count; k++)
			sort_out(&lists, &member->stream[i].entry[k]);
	*ret = (struct view){
		.node = member->node,
		.network = member_network(member),
		.subnet = lists.subnet,
		.n_subnets = lists.n_subnets,
		.nodes = lists.node,
		.n_nodes = lists.n_nodes,
		.relay = lists.relay,
		.n_relays = lists.n_relays,
	};
	if (lists.subnet && lists.relay && lists.node)
		return 0;
	view_clear(ret);
	return error_oom(err);
}

void view_clear(struct view *view)
{
	free((void *)view->subnet);
	free((void *)view->relay);
	free((void *)view->nodes);
	*view = (struct view){ 0 };
}
