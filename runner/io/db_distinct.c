/*
 * db_distinct: open addressing over entries that lie one behind the other.
 *
 * An entry is a tag, for a text or blob two bytes of length, and the bytes; an integer's or real's
 * are the eight of its value. Two values are one when their entries are the same bytes.
 */
#include "runner/io/db_distinct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"

#define MAX_VALUES 4096
#define N_SLOTS	   (2 * MAX_VALUES)
#define MAX_BYTES  65536
#define MAX_LENGTH 1024
#define HEAD	   3 /* tag and length */

enum tag { TAG_INTEGER = 'i', TAG_REAL = 'r', TAG_TEXT = 't', TAG_BLOB = 'b' };

struct db_distinct {
	size_t n;
	bool is_full;
	struct buf entries;
	uint32_t slots[N_SLOTS]; /* 1 + where the entry begins; 0 = free */
};

struct db_distinct *db_distinct_new(void)
{
	struct db_distinct *d = xmalloc(sizeof(*d));

	memset(d, 0, sizeof(*d));
	buf_init(&d->entries, MAX_BYTES);
	return d;
}

void db_distinct_free(struct db_distinct *d)
{
	if (!d)
		return;
	buf_release(&d->entries);
	free(d);
}

bool db_distinct_is_full(const struct db_distinct *d)
{
	return d->is_full;
}

size_t db_distinct_count(const struct db_distinct *d)
{
	return d->n;
}

/* FNV-1a over eight bytes at a time, its high half folded in. */
static size_t slot_of(const unsigned char *entry, size_t len)
{
	uint64_t hash = 14695981039346656037u;

	while (len > 0) {
		uint64_t word = 0;
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, entry, n);
		hash = (hash ^ word) * 1099511628211u;
		hash ^= hash >> 32;
		entry += n;
		len -= n;
	}
	return (size_t)(hash % N_SLOTS);
}

static size_t entry_length(const unsigned char *entry)
{
	return entry[0] == TAG_TEXT || entry[0] == TAG_BLOB
		       ? HEAD + (size_t)entry[1] + 256 * (size_t)entry[2]
		       : 1 + sizeof(int64_t);
}

/* Two texts that another encoding cannot tell apart are written alike: with U+FFFD. */
static bool is_replaced(const unsigned char *entry, size_t len)
{
	if (entry[0] != TAG_TEXT)
		return false;
	for (size_t i = HEAD; i + 2 < len; i++)
		if (memcmp(entry + i, "\xef\xbf\xbd", 3) == 0)
			return true;
	return false;
}

static void add(struct db_distinct *d, const unsigned char *entry, size_t len)
{
	size_t slot = slot_of(entry, len);

	for (; d->slots[slot] != 0; slot = (slot + 1) % N_SLOTS) {
		const unsigned char *other =
			(const unsigned char *)d->entries.data + d->slots[slot] - 1;

		if (entry_length(other) == len && memcmp(other, entry, len) == 0)
			return;
	}
	uint32_t place = (uint32_t)d->entries.len;

	if (d->n == MAX_VALUES || is_replaced(entry, len) ||
	    buf_add(&d->entries, entry, len) != 0) {
		d->is_full = true;
		return;
	}
	d->slots[slot] = place + 1;
	d->n++;
}

static void add_number(struct db_distinct *d, enum tag tag, const void *value)
{
	unsigned char entry[1 + sizeof(int64_t)] = {(unsigned char)tag};

	memcpy(entry + 1, value, sizeof(int64_t));
	add(d, entry, sizeof(entry));
}

void db_distinct_add_integer(struct db_distinct *d, int64_t x)
{
	if (!d->is_full)
		add_number(d, TAG_INTEGER, &x);
}

void db_distinct_add_real(struct db_distinct *d, double x)
{
	if (d->is_full)
		return;
	if (x >= -0x1p63 && x < 0x1p63 && x == floor(x)) {
		db_distinct_add_integer(d, (int64_t)x);
		return;
	}
	add_number(d, TAG_REAL, &x);
}

void db_distinct_add_bytes(struct db_distinct *d, bool is_text, const void *bytes, size_t len)
{
	unsigned char entry[HEAD + MAX_LENGTH];

	if (d->is_full)
		return;
	if (len > MAX_LENGTH) {
		d->is_full = true;
		return;
	}
	entry[0] = is_text ? TAG_TEXT : TAG_BLOB;
	entry[1] = (unsigned char)(len % 256);
	entry[2] = (unsigned char)(len / 256);
	if (len > 0)
		memcpy(entry + HEAD, bytes, len);
	add(d, entry, HEAD + len);
}

void db_distinct_write(const struct db_distinct *d, struct buf *out)
{
	(void)buf_add(out, d->entries.data, d->entries.len); /* the caller looks at it */
}

bool db_distinct_merge(struct db_distinct *to, const void *bytes, size_t len)
{
	const unsigned char *entry = bytes;

	while (len > 0 && !to->is_full) {
		if (len < HEAD || entry_length(entry) > len)
			return false;
		size_t n = entry_length(entry);

		add(to, entry, n);
		entry += n;
		len -= n;
	}
	return true;
}
