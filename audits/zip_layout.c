/*
 * zip_layout: the end record, the central directory, every local header, and the bytes between.
 */
#include "audits/zip_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define END_BYTES	22
#define LOCATOR_BYTES	20
#define END64_BYTES	56
#define CENTRAL_BYTES	46
#define LOCAL_BYTES	30
#define DESCRIPTOR_MAX	24
#define TAIL_BYTES	(END_BYTES + 65535 + LOCATOR_BYTES + END64_BYTES)
#define MAX_SHOWN	256
#define MAX_TABLE_BYTES ((int64_t)256 * 1024 * 1024)

#define FLAG_ENCRYPTED	0x0001U
#define FLAG_DESCRIPTOR 0x0008U
#define FLAG_UTF8	0x0800U
#define COMPARED_FLAGS	(FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_UTF8)

#define EXTRA_ZIP64	   0x0001U
#define EXTRA_UNICODE_PATH 0x7075U

struct extent {
	int64_t start, end;
	const char *name;
};

struct entry {
	const char *name;
	size_t name_len;
	unsigned flags, method;
	uint32_t crc;
	int64_t packed, unpacked, offset;
};

struct layout {
	struct arena *arena;
	int fd;
	int64_t size;
	const struct zip_sink *sink;
	int64_t n_entries, table_at, table_bytes;
	int64_t base; /* bytes in front of the archive: added to every offset in it */
	struct extent *extents;
	size_t n_extents;
};

static unsigned u16(const unsigned char *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const unsigned char *p)
{
	return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

/* -1 for what no file can hold. */
static int64_t s64(const unsigned char *p)
{
	uint64_t v = (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;

	return v > INT64_MAX ? -1 : (int64_t)v;
}

static bool has_magic(const unsigned char *p, const char *two)
{
	return p[0] == 'P' && p[1] == 'K' && p[2] == (unsigned char)two[0] &&
	       p[3] == (unsigned char)two[1];
}

/* Exactly n bytes at offset. */
static int read_at(const struct layout *l, int64_t offset, void *to, size_t n, struct err *e)
{
	ssize_t got;

	if (offset < 0 || offset > l->size || (int64_t)n > l->size - offset)
		return err_set(e, ERR_MEASURE, "it is damaged: a zip record lies outside the file");
	got = file_read_at(l->fd, to, n, (uint64_t)offset);
	if (got < 0)
		return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
	if ((size_t)got < n)
		return err_set(e, ERR_MEASURE, "it became shorter while it was read");
	return 0;
}

/* Of bytes that any number of entries may point to, so that they cost little each. */
static const char *shown(const struct layout *l, const void *p, size_t n)
{
	return str_escaped(l->arena, arena_strndup(l->arena, p, n < MAX_SHOWN ? n : MAX_SHOWN));
}

static void found(const struct layout *l, const char *name, const char *text)
{
	l->sink->found(l->sink->context, name, text);
}

/* --- the end record --- */

/* The record that ends with the file, else the last one; how many there are. */
static const unsigned char *find_end(const unsigned char *tail, size_t n, int *n_found)
{
	const unsigned char *last = NULL, *exact = NULL;

	*n_found = 0;
	for (size_t i = 0; i + END_BYTES <= n; i++) {
		if (!has_magic(tail + i, "\5\6"))
			continue;
		++*n_found;
		last = tail + i;
		if (i + END_BYTES + u16(tail + i + 20) == n)
			exact = exact ? exact : last;
	}
	return exact ? exact : last;
}

static int multi_volume(struct err *e)
{
	return err_set(e, ERR_MEASURE, "it is one part of several volumes, which must be joined");
}

/* A number of the end record, and its wide twin. */
static void take_wide(const struct layout *l, int64_t *narrow, int64_t too_large, int64_t wide)
{
	if (*narrow != too_large && *narrow != wide)
		found(l, "", "its two end records do not agree");
	*narrow = wide;
}

/* The larger numbers; some programs write them also where they are not needed. */
static int read_end64(struct layout *l, int64_t end_at, int64_t *record_at, struct err *e)
{
	unsigned char locator[LOCATOR_BYTES], record[END64_BYTES];

	if (end_at < LOCATOR_BYTES ||
	    read_at(l, end_at - LOCATOR_BYTES, locator, sizeof(locator), NULL) < 0 ||
	    !has_magic(locator, "\6\7"))
		return 0; /* there are none */
	if (u32(locator + 16) > 1)
		return multi_volume(e);
	/* In front of its locator, whatever was put before the whole file. */
	*record_at = end_at - LOCATOR_BYTES - END64_BYTES;
	if (read_at(l, *record_at, record, sizeof(record), e) < 0)
		return -1;
	if (!has_magic(record, "\6\6"))
		return err_set(e, ERR_MEASURE, "it is damaged: its zip64 end record is not there");
	take_wide(l, &l->n_entries, 0xffff, s64(record + 32));
	take_wide(l, &l->table_bytes, 0xffffffffLL, s64(record + 40));
	take_wide(l, &l->table_at, 0xffffffffLL, s64(record + 48));
	return 0;
}

static int read_end(struct layout *l, struct err *e)
{
	size_t n = l->size < TAIL_BYTES ? (size_t)l->size : TAIL_BYTES;
	unsigned char *tail = arena_alloc(l->arena, n + 1);
	const unsigned char *end;
	int n_found;

	if (read_at(l, l->size - (int64_t)n, tail, n, e) < 0)
		return -1;
	end = find_end(tail, n, &n_found);
	if (!end)
		return err_set(e, ERR_MEASURE,
			       "it is truncated or damaged: no end record of a zip was found");
	if (n_found > 1)
		found(l, "", "has more than one end record, and programs differ in which counts");
	if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
		return multi_volume(e);

	int64_t end_at = l->size - (int64_t)n + (end - tail), record_at = end_at;
	int64_t behind = l->size - end_at - END_BYTES - u16(end + 20);
	l->n_entries = u16(end + 10);
	l->table_bytes = u32(end + 12);
	l->table_at = u32(end + 16);
	if (behind > 0)
		l->sink->gap(l->sink->context, arena_printf(l->arena, "%lld bytes behind its end",
							    (long long)behind));
	else if (behind < 0)
		found(l, "", "its comment is longer than the file");
	if (read_end64(l, end_at, &record_at, e) < 0)
		return -1;
	if (l->n_entries < 0 || l->table_at < 0 || l->table_bytes < 0 ||
	    l->table_bytes > record_at || l->table_at > record_at - l->table_bytes)
		return err_set(e, ERR_MEASURE,
			       "it is damaged: its table of contents lies outside the file");
	l->base = record_at - l->table_bytes - l->table_at;
	if (l->base > 0)
		l->sink->gap(l->sink->context, arena_printf(l->arena, "%lld bytes in front of it",
							    (long long)l->base));
	return 0;
}

/* --- extra fields --- */

/* The field of this tag; NULL when there is none. */
static const unsigned char *find_extra(const unsigned char *p, size_t n, unsigned tag, size_t *len)
{
	while (n >= 4) {
		*len = u16(p + 2);
		if (*len > n - 4)
			return NULL;
		if (u16(p) == tag)
			return p + 4;
		p += 4 + *len;
		n -= 4 + *len;
	}
	return NULL;
}

/* Numbers that did not fit, in the order of the format. */
static void widen(const unsigned char *extra, size_t n, int64_t *const *numbers, size_t n_numbers)
{
	size_t len;
	const unsigned char *p = find_extra(extra, n, EXTRA_ZIP64, &len);

	for (size_t i = 0; p && i < n_numbers; i++) {
		if (*numbers[i] != 0xffffffffLL)
			continue;
		if (len < 8)
			return;
		*numbers[i] = s64(p);
		p += 8;
		len -= 8;
	}
}

/* A second name, which some programs prefer to the first. */
static void compare_unicode_name(const struct layout *l, const struct entry *entry,
				 const unsigned char *extra, size_t n)
{
	size_t len;
	const unsigned char *p = find_extra(extra, n, EXTRA_UNICODE_PATH, &len);

	if (!p || len < 5)
		return;
	if (len - 5 == entry->name_len && memcmp(p + 5, entry->name, entry->name_len) == 0)
		return;

	found(l, entry->name,
	      arena_printf(l->arena, "has a second name, \"%s\"", shown(l, p + 5, len - 5)));
}

/* --- members --- */

/* Behind the content: with or without a signature, with numbers of either width. */
static int64_t descriptor_bytes(const struct layout *l, const struct entry *entry, int64_t at)
{
	unsigned char d[DESCRIPTOR_MAX] = {0};
	int64_t room = l->size - at;
	size_t n = room < DESCRIPTOR_MAX ? (size_t)(room > 0 ? room : 0) : DESCRIPTOR_MAX;

	if (read_at(l, at, d, n, NULL) < 0)
		return -1;
	for (int has_signature = 1; has_signature >= 0; has_signature--) {
		const unsigned char *p = d + 4 * has_signature;

		if ((has_signature && !has_magic(d, "\7\10")) || u32(p) != entry->crc)
			continue;
		if (u32(p + 4) == entry->packed && u32(p + 8) == entry->unpacked)
			return 12 + 4 * has_signature;
		if (s64(p + 4) == entry->packed && s64(p + 12) == entry->unpacked)
			return 20 + 4 * has_signature;
	}
	return -1;
}

static void differs(const struct layout *l, const struct entry *entry, const char *what)
{
	found(l, entry->name,
	      arena_printf(l->arena,
			   "its %s in the table of contents is not that of its own header", what));
}

static void compare_numbers(const struct layout *l, const struct entry *entry,
			    const unsigned char *local, const unsigned char *extra, size_t n_extra)
{
	int64_t packed = u32(local + 18), unpacked = u32(local + 22);
	bool is_later = entry->flags & FLAG_DESCRIPTOR;

	widen(extra, n_extra, (int64_t *const[]){&unpacked, &packed}, 2);
	/* Zero means "see behind the content"; anything else must be true. */
	if (u32(local + 14) != entry->crc && !(is_later && u32(local + 14) == 0))
		differs(l, entry, "checksum");
	if ((packed != entry->packed && !(is_later && packed == 0)) ||
	    (unpacked != entry->unpacked && !(is_later && unpacked == 0)))
		differs(l, entry, "size");
}

/* Compares, and notes which bytes are the member's. */
static int compare_local(struct layout *l, const struct entry *entry, struct err *e)
{
	unsigned char local[LOCAL_BYTES];
	int64_t at = l->base + entry->offset;

	if (entry->offset < 0 || entry->offset > l->size - l->base || entry->packed < 0 ||
	    entry->unpacked < 0 || read_at(l, at, local, sizeof(local), NULL) < 0 ||
	    !has_magic(local, "\3\4"))
		return err_set(
			e, ERR_MEASURE,
			"could not read member \"%s\": the table of contents points to where "
			"it is not",
			str_escaped(l->arena, entry->name));

	size_t n_name = u16(local + 26), n_extra = u16(local + 28);
	unsigned char *more = xmalloc(n_name + n_extra + 1);
	if (read_at(l, at + LOCAL_BYTES, more, n_name + n_extra, e) < 0) {
		free(more);
		return -1;
	}
	if (n_name != entry->name_len || memcmp(more, entry->name, n_name) != 0)
		found(l, entry->name,
		      arena_printf(l->arena, "its own header calls it \"%s\"",
				   shown(l, more, n_name)));
	if (u16(local + 8) != entry->method)
		differs(l, entry, "compression");
	if ((u16(local + 6) ^ entry->flags) & COMPARED_FLAGS)
		differs(l, entry, "set of flags");
	compare_numbers(l, entry, local, more + n_name, n_extra);
	compare_unicode_name(l, entry, more + n_name, n_extra);
	free(more);

	struct extent *x = &l->extents[l->n_extents++];
	int64_t content = at + LOCAL_BYTES + (int64_t)(n_name + n_extra);
	*x = (struct extent){.start = at, .end = content, .name = entry->name};
	if (entry->packed > l->size - content)
		return err_set(e, ERR_MEASURE, "could not read member \"%s\": it is truncated",
			       str_escaped(l->arena, entry->name));
	x->end += entry->packed;
	if (entry->flags & FLAG_DESCRIPTOR) {
		int64_t n = descriptor_bytes(l, entry, x->end);

		if (n < 0)
			differs(l, entry, "size or checksum");
		else
			x->end += n;
	}
	return 0;
}

static int64_t read_entry(const struct layout *l, const unsigned char *p, int64_t room,
			  struct entry *out)
{
	size_t n_extra;

	if (room < CENTRAL_BYTES || !has_magic(p, "\1\2"))
		return -1;
	*out = (struct entry){
		.flags = u16(p + 8),
		.method = u16(p + 10),
		.crc = u32(p + 16),
		.packed = u32(p + 20),
		.unpacked = u32(p + 24),
		.name_len = u16(p + 28),
		.offset = u32(p + 42),
	};
	n_extra = u16(p + 30);

	int64_t n = CENTRAL_BYTES + (int64_t)(out->name_len + n_extra) + u16(p + 32);
	if (n > room)
		return -1;

	const unsigned char *extra = p + CENTRAL_BYTES + out->name_len;
	out->name = arena_strndup(l->arena, (const char *)p + CENTRAL_BYTES, out->name_len);
	widen(extra, n_extra, (int64_t *const[]){&out->unpacked, &out->packed, &out->offset}, 3);
	if (memchr(out->name, '\0', out->name_len))
		found(l, out->name, "its name goes on behind a NUL byte");
	compare_unicode_name(l, out, extra, n_extra);
	return n;
}

static int read_table(struct layout *l, const unsigned char *table, struct err *e)
{
	int64_t at = 0;

	for (int64_t i = 0; i < l->n_entries; i++) {
		struct entry entry;
		int64_t n = read_entry(l, table + at, l->table_bytes - at, &entry);

		if (n < 0)
			return err_set(e, ERR_MEASURE,
				       "it is damaged: its table of contents ends after %lld of "
				       "%lld members",
				       (long long)i, (long long)l->n_entries);
		at += n;
		if (compare_local(l, &entry, e) < 0)
			return -1;
	}
	if (at < l->table_bytes)
		found(l, "", "its table of contents goes on behind the last member it counts");
	return 0;
}

/* --- the bytes between --- */

static int compare_extents(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void look_between(struct layout *l)
{
	int64_t at = l->base, table = l->base + l->table_at;

	if (l->n_extents > 0)
		qsort(l->extents, l->n_extents, sizeof(*l->extents), compare_extents);
	for (size_t i = 0; i <= l->n_extents; i++) {
		bool is_last = i == l->n_extents;
		int64_t next = is_last ? table : l->extents[i].start;
		unsigned char head[4];

		if (next < at && !is_last)
			found(l, l->extents[i].name, "shares bytes with another member");
		else if (next < at)
			found(l, "", "its last member reaches into the table of contents");
		else if (next > at && next - at >= 4 && read_at(l, at, head, 4, NULL) == 0 &&
			 has_magic(head, "\3\4"))
			found(l, "",
			      arena_printf(
				      l->arena,
				      "at byte %lld is a member that its table of contents does "
				      "not list",
				      (long long)at));
		else if (next > at)
			l->sink->gap(l->sink->context,
				     arena_printf(l->arena,
						  "%lld bytes at byte %lld belong to no member",
						  (long long)(next - at), (long long)at));
		if (!is_last && l->extents[i].end > at)
			at = l->extents[i].end;
	}
}

bool zip_layout_is_zip(int fd)
{
	unsigned char head[4];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       (has_magic(head, "\3\4") || has_magic(head, "\5\6"));
}

int zip_layout_check(struct arena *a, int fd, int64_t size, const struct zip_sink *sink,
		     struct err *e)
{
	struct layout l = {.arena = a, .fd = fd, .size = size, .sink = sink};

	if (read_end(&l, e) < 0)
		return -1;
	if (l.table_bytes > MAX_TABLE_BYTES || l.n_entries > l.table_bytes / CENTRAL_BYTES)
		return err_set(e, ERR_MEASURE,
			       "it is damaged: its table of contents cannot hold %lld members",
			       (long long)l.n_entries);
	if (l.n_entries > sink->max_members)
		return err_set(e, ERR_MEASURE, "it holds more than %lld members (max_members)",
			       (long long)sink->max_members);
	l.extents = arena_array(a, (size_t)l.n_entries, sizeof(*l.extents));

	unsigned char *table = xmalloc((size_t)l.table_bytes + 1);
	int rc = read_at(&l, l.base + l.table_at, table, (size_t)l.table_bytes, e);
	if (rc == 0)
		rc = read_table(&l, table, e);
	free(table);
	if (rc == 0)
		look_between(&l);
	return rc;
}
