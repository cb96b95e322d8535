/*
 * http_hosts: who waits for a turn at which host; the loop's, private to runner/io/http*.c.
 *
 * Queues link transfers by their ->next, so one is in one queue at a time. They own nothing.
 */
#ifndef ASSIZE_IO_HTTP_HOSTS_H
#define ASSIZE_IO_HTTP_HOSTS_H

#define HTTP_HOST_BUCKETS 1024

struct http_transfer;

struct http_queue {
	struct http_transfer *first, *last;
};

void http_queue_add(struct http_queue *q, struct http_transfer *t);
void http_queue_add_first(struct http_queue *q, struct http_transfer *t);
struct http_transfer *http_queue_take(struct http_queue *q); /* the first; NULL = empty */

struct http_host {
	struct http_host *next; /* in its bucket */
	char *origin;
	long n_active;
	struct http_queue waiting; /* for a turn at this host */
};

struct http_hosts {
	struct http_host *buckets[HTTP_HOST_BUCKETS];
};

/* The host of this URL, made when it is new; NULL: that is no URL. */
struct http_host *http_hosts_find(struct http_hosts *hosts, const char *url);
/* Moves all who wait for a turn to the end of q. */
void http_hosts_requeue(struct http_hosts *hosts, struct http_queue *q);
void http_hosts_release(struct http_hosts *hosts);

#endif
