// SPDX-License-Identifier: Apache-2.0
#include "change.h"

#include <time.h>

#include "kind.h"

void model_lock(struct model *m)
{
	/* Fails only for mutexes that are misused. */
	if (pthread_mutex_lock(&m->lock))
		abort();
}

void model_unlock(struct model *m)
{
	if (pthread_mutex_unlock(&m->lock))
		abort();
}

int change_begin(struct change *ret, struct model *m, const char *who, struct error *err)
{
	int r;

	model_lock(m);
	r = store_begin(&m->store, err);
	if (r) {
		model_unlock(m);
		return r;
	}
	*ret = (struct change){
		.m = m, .s = &m->store, .who = who, .now = (int64_t)time(NULL), .open = true
	};
	return 0;
}

static void free_streams(struct change *c)
{
	for (size_t i = 0; i < c->streams; i++) {
		for (size_t j = 0; j < c->stream[i].entries; j++) {
			blob_free(&c->stream[i].entry[j].record);
			blob_free(&c->stream[i].entry[j].endpoints);
		}
		free(c->stream[i].entry);
	}
	free(c->stream);
}

static void release(struct change *c)
{
	free_streams(c);
	free(c->event);
	free(c->cut);
	model_unlock(c->m);
	*c = (struct change){ 0 };
}

int change_commit(struct change *c, struct error *err)
{
	int r = store_commit(c->s, err);

	if (!r && c->m->committed)
		c->m->committed(c->m->arg, c);
	release(c);
	return r;
}

void change_end(struct change *c)
{
	if (!c->open)
		return;
	store_rollback(c->s);
	release(c);
}

int change_note(struct change *c, const char *verb, const char *path, const struct object *o,
		struct error *err)
{
	struct change_event *grown = reallocarray(c->event, c->events + 1, sizeof(*grown));

	if (!grown)
		return error_oom(err);
	c->event = grown;
	grown[c->events] = (struct change_event){ .verb = verb, .object = *o };
	(void)snprintf(grown[c->events].path, PATH_SIZE, "%s", path);
	c->events++;
	return store_exec(c->s, err, "INSERT INTO audit VALUES (NULL, ?, ?, ?, ?, ?, ?)", "issssu",
			  c->now, c->who, verb, kind_name(o->kind), path, o->revision);
}

int change_cut(struct change *c, const uint8_t key_id[TRUST_KEY_ID_LEN], struct error *err)
{
	uint8_t(*grown)[TRUST_KEY_ID_LEN] = reallocarray(c->cut, c->cuts + 1, sizeof(*grown));

	if (!grown)
		return error_oom(err);
	c->cut = grown;
	memcpy(grown[c->cuts++], key_id, TRUST_KEY_ID_LEN);
	return 0;
}
