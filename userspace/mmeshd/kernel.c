// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <errno.h>
#include <string.h>

#include "device.h"
#include "link.h"
#include "peer.h"

static int need_module(struct kernel *kernel, struct error *err)
{
	int r = 0;

	if (!kernel->has_module)
		r = mmesh_client_open(&kernel->client, err);
	kernel->has_module = !r;
	return r;
}

int kernel_open(struct kernel *ret, struct error *err)
{
	*ret = (struct kernel){ 0 };
	(void)need_module(ret, NULL);
	return route_open(&ret->route, err);
}

void kernel_close(struct kernel *kernel)
{
	if (kernel->has_module)
		mmesh_client_close(&kernel->client);
	kernel->route = route_close(kernel->route);
	kernel->has_module = false;
}

static int read_device(struct kernel *kernel, struct have *have, const char *name,
		       struct error *err)
{
	int r = need_module(kernel, err);

	if (!r)
		r = mmesh_device_get(&kernel->client, name, true, &have->dev, err);
	if (r == -EOPNOTSUPP || r == -EINVAL)
		return error_set(err, EEXIST, "there is a link of that name that is not mmesh's");
	if (!r)
		r = mmesh_peer_read(&kernel->client, &have->dev, NULL, true, err);
	if (!r)
		r = mmesh_path_read(&kernel->client, &have->paths, name, NULL, err);
	return r;
}

int kernel_read(struct kernel *kernel, const struct want *want, struct have *ret,
		struct error *err)
{
	const char *name = want->dev.name;
	struct route_link link;
	int r;

	*ret = (struct have){ 0 };
	r = route_read_link(kernel->route, name, &link, err);
	if (r < 0 || !link.exists)
		return r;
	ret->exists = true;
	ret->ifindex = link.ifindex;
	ret->up = link.up;
	ret->mtu = link.mtu;
	r = read_device(kernel, ret, name, err);
	if (!r)
		r = route_read_addresses(kernel->route, link.ifindex, &ret->address, err);
	if (!r)
		r = route_read_routes(kernel->route, link.ifindex, want->table, &ret->route, err);
	if (r < 0)
		have_clear(ret);
	return r < 0 ? error_prefix(err, r, "%s: ", name) : 0;
}

static void batch_endp(struct nl_batch *batch)
{
	nl_batch_close(batch);
}

static int apply_device(struct kernel *kernel, const struct mmesh_device *dev, struct error *err)
{
	_cleanup_(batch_endp) struct nl_batch batch = { 0 };
	int r = 0;

	if (dev->has || dev->replace_peers)
		r = mmesh_device_set(&kernel->client, dev, err);
	if (r < 0)
		return error_prefix(err, r, "%s: ", dev->name);
	r = nl_batch_open(&batch, &kernel->client.nl, err);
	for (size_t i = 0; !r && i < dev->n_peers; i++)
		r = mmesh_peer_queue(&kernel->client, &batch, dev->name,
				     dev->peer[i].remove ? MMESH_PEER_FORGET : MMESH_PEER_ENSURE,
				     &dev->peer[i], err);
	return r < 0 ? r : nl_batch_flush(&batch, err);
}

static int apply_paths(struct kernel *kernel, const struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < plan->n_paths; i++) {
		const struct plan_path *path = &plan->path[i];

		r = mmesh_path_change(&kernel->client, plan->dev.name, path->key, &path->endpoint,
				      path->remove, err);
		/* It went meanwhile; the kernel has as many as it takes; no such family here. */
		if (r == -ENOENT || r == -ENOSPC || r == -EAFNOSUPPORT || r == -EINVAL)
			r = 0;
	}
	return r;
}

static int apply_link(struct kernel *kernel, const struct plan *plan, struct error *err)
{
	struct route_link link;
	int r;

	r = route_read_link(kernel->route, plan->dev.name, &link, err);
	if (!r && !link.exists)
		r = error_set(err, ENODEV, "the device has gone");
	for (size_t i = 0; !r && i < plan->address.count; i++)
		r = route_change_address(kernel->route, link.ifindex, &plan->address.item[i], err);
	if (!r && (plan->mtu || plan->set_up))
		r = route_change_link(kernel->route, link.ifindex, plan->mtu, plan->set_up, err);
	for (size_t i = 0; !r && i < plan->route.count; i++)
		r = route_change_route(kernel->route, link.ifindex, plan->table,
				       &plan->route.item[i], err);
	return r;
}

int kernel_apply(struct kernel *kernel, const struct plan *plan, struct error *err)
{
	int r = 0;

	if (plan->remove_link)
		return mmesh_link_del(plan->dev.name, err);
	if (plan->add_link)
		r = mmesh_link_add(plan->dev.name, err);
	if (!r)
		r = need_module(kernel, err);
	if (!r)
		r = apply_device(kernel, &plan->dev, err);
	if (!r)
		r = apply_paths(kernel, plan, err);
	if (!r)
		r = apply_link(kernel, plan, err);
	return r < 0 ? error_prefix(err, r, "%s: ", plan->dev.name) : 0;
}

void kernel_features(struct kernel *kernel, struct kernel_features *ret)
{
	struct mmesh_device dev = { 0 };
	char name[IF_NAMESIZE];

	*ret = (struct kernel_features){ 0 };
	(void)snprintf(name, sizeof(name), "mmtry%u", (unsigned int)getpid() % 1000000);
	if (mmesh_link_add(name, NULL) < 0)
		return;
	if (!need_module(kernel, NULL) &&
	    !mmesh_device_get(&kernel->client, name, false, &dev, NULL)) {
		ret->module = true;
		for (size_t i = 0; i < dev.n_suites; i++)
			if (!dev.suite[i].slow)
				mmesh_suite_format(ret->suite[ret->n_suites++], dev.suite[i].suite);
	}
	mmesh_device_clear(&dev);
	(void)mmesh_link_del(name, NULL);
}
