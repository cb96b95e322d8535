#include "runner/io/http_hosts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/http_internal.h"

void http_queue_add(struct http_queue *q, struct http_transfer *t)
{
	t->next = NULL;
	if (q->last != NULL)
		q->last->next = t;
	else
		q->first = t;
	q->last = t;
}

void http_queue_add_first(struct http_queue *q, struct http_transfer *t)
{
	t->next = q->first;
	q->first = t;
	if (q->last == NULL)
		q->last = t;
}

struct http_transfer *http_queue_take(struct http_queue *q)
{
	struct http_transfer *t = q->first;

	if (t == NULL)
		return NULL;
	q->first = t->next;
	if (q->first == NULL)
		q->last = NULL;
	t->next = NULL;
	return t;
}

struct http_host *http_hosts_find(struct http_hosts *hosts, const char *url)
{
	char *origin = http_url_origin(url);
	uint32_t hash = 2166136261U; /* FNV-1a */
	struct http_host **bucket, *h;

	if (origin == NULL)
		return NULL;
	for (const char *p = origin; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	bucket = &hosts->buckets[hash % HTTP_HOST_BUCKETS];
	for (h = *bucket; h != NULL; h = h->next) {
		if (strcmp(h->origin, origin) == 0) {
			free(origin);
			return h;
		}
	}
	h = xmalloc(sizeof(*h));
	*h = (struct http_host){.next = *bucket, .origin = origin};
	*bucket = h;
	return h;
}

void http_hosts_requeue(struct http_hosts *hosts, struct http_queue *q)
{
	for (size_t i = 0; i < HTTP_HOST_BUCKETS; i++) {
		for (struct http_host *h = hosts->buckets[i]; h != NULL; h = h->next) {
			struct http_transfer *t;

			while ((t = http_queue_take(&h->waiting)) != NULL)
				http_queue_add(q, t);
		}
	}
}

void http_hosts_release(struct http_hosts *hosts)
{
	for (size_t i = 0; i < HTTP_HOST_BUCKETS; i++) {
		while (hosts->buckets[i] != NULL) {
			struct http_host *h = hosts->buckets[i];

			hosts->buckets[i] = h->next;
			free(h->origin);
			free(h);
		}
	}
}
