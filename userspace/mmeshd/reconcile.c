// SPDX-License-Identifier: Apache-2.0
/* Declared state to actual state. */
#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "device.h"
#include "log.h"

enum { PLAN_TEXT_SIZE = 1024 };


/* Candidates are left out: the kernel may have taken fewer than it was given. */
static size_t drift_of(const struct session *s, const struct plan *plan)
{
	return s->settled && !s->dirty ? plan->changes - plan->n_paths : 0;
}

static int carry_out(struct session *s, struct kernel *kernel, const struct plan *plan,
		     struct error *err)
{
	size_t drift = drift_of(s, plan);
	char text[PLAN_TEXT_SIZE];
	int r;

	plan_format(text, sizeof(text), plan);
	r = kernel_apply(kernel, plan, err);
	if (r < 0)
		return r;
	if (drift) {
		s->repairs += (uint32_t)drift;
		log_line(LOG_NOTICE, s->member->device,
			 "somebody else changed the kernel; repaired (%zu): %s",
			 drift, text);
	} else {
		log_line(LOG_INFO, s->member->device, "changed: %s", text);
	}
	return 0;
}

/* The kernel chose a port once: it stays, others know it. */
static void keep_port(struct session *s, struct kernel *kernel)
{
	struct mmesh_device dev;
	struct error err;

	if (s->member->options.listen_port || !kernel->has_module ||
	    mmesh_device_get(&kernel->client, s->member->device, false, &dev, &err) < 0)
		return;
	s->member->options.listen_port = dev.listen_port;
	mmesh_device_clear(&dev);
	if (member_save(s->member, &err) < 0)
		log_line(LOG_WARNING, s->member->device, "%s", err.text);
	s->daemon->addresses_changed = true;
}

static int converge(struct session *s, struct kernel *kernel, const struct want *want,
		    struct error *err)
{
	struct have have = { 0 };
	struct plan plan = { 0 };
	int r;

	r = kernel_read(kernel, want, &have, err);
	if (!r)
		r = plan_compute(&plan, want, &have, err);
	if (!r && plan.changes)
		r = carry_out(s, kernel, &plan, err);
	have_clear(&have);
	plan_clear(&plan);
	if (r < 0)
		return r;
	s->ifindex = if_nametoindex(s->member->device);
	if (want->exists)
		keep_port(s, kernel);
	return 0;
}

static int reconcile_records(struct session *s, struct kernel *kernel, struct error *err)
{
	struct want want;
	struct view view;
	int r;

	r = member_view(s->member, &view, err);
	if (r < 0)
		return r;
	r = want_compute(&want, &view, &s->member->options, err);
	if (!r) {
		s->revoked = want.revoked;
		s->skipped = want.skipped;
		s->skipped_why = want.why;
		r = converge(s, kernel, &want, err);
		want_clear(&want);
	}
	view_clear(&view);
	return r;
}

static int remove_device(struct session *s, struct kernel *kernel, struct error *err)
{
	struct want want = { 0 };
	int r;

	(void)snprintf(want.dev.name, sizeof(want.dev.name), "%s", s->member->device);
	r = converge(s, kernel, &want, err);
	want_clear(&want);
	return r;
}

static void unlist(struct session *s)
{
	struct daemon *d = s->daemon;
	size_t kept = 0;

	for (size_t i = 0; i < d->n_sessions; i++)
		if (d->session[i] != s)
			d->session[kept++] = d->session[i];
	d->n_sessions = kept;
	s->removed = true;
}

static void reconcile(struct session *s, struct kernel *kernel)
{
	struct error err = { "" };
	int r;

	if (s->removing) {
		r = remove_device(s, kernel, &err);
		if (!r)
			unlist(s);
	} else if (!s->member->options.up) {
		r = remove_device(s, kernel, &err);
	} else if (!member_is_complete(s->member)) {
		/* Absence would mean nothing yet. */
		return;
	} else {
		r = reconcile_records(s, kernel, &err);
	}
	if (r < 0 && strcmp(err.text, s->kernel_error.text))
		log_line(LOG_ERR, s->member->device, "the kernel is not as it should be: %s",
			 err.text);
	s->kernel_error = r < 0 ? err : (struct error){ "" };
	if (r < 0)
		return;
	s->dirty = false;
	s->settled = true;
}

void reconcile_all(struct daemon *daemon, struct kernel *kernel, bool all)
{
	for (size_t i = daemon->n_sessions; i-- > 0;) {
		struct session *s = daemon->session[i];

		if (all || s->dirty || s->removing)
			reconcile(s, kernel);
	}
	for (size_t i = 0; daemon->addresses_changed && i < daemon->n_sessions; i++) {
		struct session *s = daemon->session[i];

		if (discover_endpoints(s, kernel->route)) {
			s->report_due = true;
			session_wake(s);
		}
	}
	daemon->addresses_changed = false;
	daemon->rounds++;
	(void)pthread_cond_broadcast(&daemon->settled);
}
