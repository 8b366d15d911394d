// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <pthread.h>
#include <string.h>

enum { SLOTS = 4096 };

struct session_table {
	pthread_mutex_t lock;
	struct session *slot[SLOTS];
};

int session_table_new(struct session_table **ret, struct error *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return error_oom(err);
	(void)pthread_mutex_init(&(*ret)->lock, NULL);
	return 0;
}

void session_table_free(struct session_table *table)
{
	if (!table)
		return;
	(void)pthread_mutex_destroy(&table->lock);
	free(table);
}

void session_table_add(struct session_table *table, struct session *session)
{
	struct session **slot = &table->slot[session->about.id % SLOTS];

	atomic_fetch_add(&session->refs, 1);
	(void)pthread_mutex_lock(&table->lock);
	session->same_slot = *slot;
	*slot = session;
	(void)pthread_mutex_unlock(&table->lock);
}

void session_table_drop(struct session_table *table, struct session *session)
{
	struct session **at = &table->slot[session->about.id % SLOTS];

	(void)pthread_mutex_lock(&table->lock);
	while (*at && *at != session)
		at = &(*at)->same_slot;
	if (*at)
		*at = session->same_slot;
	else
		session = NULL;
	(void)pthread_mutex_unlock(&table->lock);
	session_unref(session);
}

struct session *session_table_get(struct session_table *table, uint64_t id)
{
	struct session *s;

	(void)pthread_mutex_lock(&table->lock);
	s = table->slot[id % SLOTS];
	while (s && s->about.id != id)
		s = s->same_slot;
	if (s)
		atomic_fetch_add(&s->refs, 1);
	(void)pthread_mutex_unlock(&table->lock);
	return s;
}

unsigned int session_table_cut(struct session_table *table, const uint8_t key_id[TRUST_KEY_ID_LEN])
{
	unsigned int n = 0;

	(void)pthread_mutex_lock(&table->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		for (struct session *s = table->slot[i]; s; s = s->same_slot) {
			if (s->about.has_certificate &&
			    !memcmp(s->about.key_id, key_id, TRUST_KEY_ID_LEN))
				n += !atomic_exchange(&s->cut, true);
		}
	}
	(void)pthread_mutex_unlock(&table->lock);
	return n;
}

void session_unref(struct session *session)
{
	if (session && atomic_fetch_sub(&session->refs, 1) == 1) {
		explicit_bzero(&session->about, sizeof(session->about));
		free(session);
	}
}
