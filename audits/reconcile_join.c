/*
 * Why not two ordered streams: text is ordered differently by every engine and collation, ordering
 * costs the server a sort, and two sessions held at once can wait for each other for ever. Why not
 * checksums of ranges, of which only differing ones are read: a sum over rows is the same for two
 * swapped values, no hash is the same on all engines, and a tolerance has no checksum. Reading each
 * side once, in whatever order it comes, is one plain scan a server, and exact.
 */
#include "audits/reconcile_join.h"

#include <stdlib.h>
#include <string.h>

#include "audits/hash_table.h"
#include "audits/reconcile_value.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/spill.h"

/* A row as spilled: length of the key, the key, the values. */
static size_t key_length(const char *row)
{
	uint32_t n;

	memcpy(&n, row, sizeof(n));
	return n;
}

const char *reconcile_row_columns(const char *row)
{
	return row + sizeof(uint32_t);
}

static uint64_t hash_key(const char *key, size_t n)
{
	return hash_mix(hash_bytes(HASH_SEED, key, n));
}

int reconcile_join_add(struct spill *side, const char *key, size_t key_len, const char *values,
		       size_t values_len, struct err *e)
{
	uint32_t length = (uint32_t)key_len;
	struct buf row;

	buf_init(&row, BUF_UNBOUNDED); /* columns are bounded, and so is their number */
	(void)buf_add(&row, &length, sizeof(length));
	(void)buf_add(&row, key, key_len);
	(void)buf_add(&row, values, values_len);
	int rc = spill_add(side, hash_key(key, key_len) % RECONCILE_PARTS, row.data, row.len, e);

	buf_release(&row);
	return rc;
}

void reconcile_join_init(struct reconcile_join *j, size_t n_key, size_t n_values,
			 const struct reconcile_tolerance *tolerances)
{
	*j = (struct reconcile_join){
		.n_key = n_key,
		.n_values = n_values,
		.tolerances = tolerances,
		.left = spill_new(RECONCILE_PARTS),
		.right = spill_new(RECONCILE_PARTS),
	};
}

void reconcile_join_release(struct reconcile_join *j)
{
	for (size_t i = 0; i < RECONCILE_FINDINGS; i++)
		for (size_t k = 0; k < j->findings[i].n_shown; k++) {
			free(j->findings[i].first[k].left);
			free(j->findings[i].first[k].right);
		}
	spill_free(j->left);
	spill_free(j->right);
}

/* ---- the keys of one part ---- */

#define NOWHERE SIZE_MAX

struct entry {
	uint64_t hash;
	size_t left, right; /* the first row of each side, in bytes; NOWHERE = none kept */
	size_t left_len, right_len;
	int64_t n_left, n_right;
};

struct part {
	struct reconcile_join *join;
	struct entry *entries;
	size_t n, cap;
	uint32_t *slots; /* index into entries + 1; 0 = free */
	size_t n_slots;	 /* a power of two, at least twice n */
	struct buf bytes;
};

static const char *row_at(const struct part *p, const struct entry *x)
{
	return p->bytes.data + (x->left != NOWHERE ? x->left : x->right);
}

static void grow(struct part *p)
{
	size_t n_slots = p->n_slots == 0 ? 1024 : p->n_slots * 2;

	free(p->slots);
	p->slots = xmalloc(n_slots * sizeof(*p->slots));
	memset(p->slots, 0, n_slots * sizeof(*p->slots));
	p->n_slots = n_slots;
	for (size_t i = 0; i < p->n; i++) {
		size_t at = (p->entries[i].hash >> 8) & (n_slots - 1);

		while (p->slots[at] != 0)
			at = (at + 1) & (n_slots - 1);
		p->slots[at] = (uint32_t)i + 1;
	}
	p->cap = n_slots / 2;
	p->entries = xrealloc(p->entries, p->cap * sizeof(*p->entries));
}

static bool is_key(const struct part *p, const struct entry *x, uint64_t hash, const char *row)
{
	const char *other = row_at(p, x);
	size_t n = key_length(row);

	return x->hash == hash && key_length(other) == n &&
	       memcmp(reconcile_row_columns(other), reconcile_row_columns(row), n) == 0;
}

/* The entry of a row's key; a new one counts no rows yet and keeps none. */
static struct entry *entry_of(struct part *p, const char *row)
{
	uint64_t hash = hash_key(reconcile_row_columns(row), key_length(row));
	size_t at;

	if (p->n == p->cap)
		grow(p);
	/* The low bits chose the part: they are the same for all of these. */
	at = (hash >> 8) & (p->n_slots - 1);
	for (; p->slots[at] != 0; at = (at + 1) & (p->n_slots - 1))
		if (is_key(p, &p->entries[p->slots[at] - 1], hash, row))
			return &p->entries[p->slots[at] - 1];
	p->entries[p->n] = (struct entry){.hash = hash, .left = NOWHERE, .right = NOWHERE};
	p->slots[at] = (uint32_t)++p->n;
	return &p->entries[p->n - 1];
}

static int keep(struct part *p, const char *row, size_t n, size_t *at, struct err *e)
{
	size_t used = p->n * sizeof(struct entry) + p->n_slots * sizeof(*p->slots);

	if (p->bytes.len + n + used > RECONCILE_PART_MAX_BYTES) {
		err_set(e, ERR_MEASURE, "cannot compare so many keys in %d MiB of memory",
			RECONCILE_PART_MAX_BYTES / (1024 * 1024));
		return err_help(e, "split the check with where:, or compare fewer values");
	}
	*at = p->bytes.len;
	return buf_add(&p->bytes, row, n);
}

static int take_left(void *ctx, const char *row, size_t n, struct err *e)
{
	struct part *p = ctx;
	struct entry *x = entry_of(p, row);

	p->join->n_left++;
	if (x->n_left++ > 0)
		return 0;
	x->left_len = n;
	return keep(p, row, n, &x->left, e);
}

static bool are_values_same(const struct reconcile_join *j, const char *left, const char *right)
{
	const char *l = reconcile_row_columns(left) + key_length(left);
	const char *r = reconcile_row_columns(right) + key_length(right);

	for (size_t i = 0; i < j->n_values; i++) {
		struct reconcile_cell x = reconcile_take(&l), y = reconcile_take(&r);

		if (!reconcile_is_same(&x, &y, &j->tolerances[i]))
			return false;
	}
	return true;
}

/* A row of the right side is kept only where it says something the left one does not. */
static int take_right(void *ctx, const char *row, size_t n, struct err *e)
{
	struct part *p = ctx;
	struct entry *x = entry_of(p, row);

	p->join->n_right++;
	if (x->n_right++ > 0)
		return 0;
	if (x->left != NOWHERE && are_values_same(p->join, p->bytes.data + x->left, row))
		return 0;
	x->right_len = n;
	return keep(p, row, n, &x->right, e);
}

/* ---- findings ---- */

static int compare_keys(const struct reconcile_join *j, const char *a, const char *b)
{
	const char *x = reconcile_row_columns(a), *y = reconcile_row_columns(b);
	int order = 0;

	for (size_t i = 0; i < j->n_key && order == 0; i++) {
		struct reconcile_cell left = reconcile_take(&x), right = reconcile_take(&y);

		order = reconcile_order(&left, &right);
	}
	return order;
}

static const char *any_row(const struct reconcile_finding *f)
{
	return f->left ? f->left : f->right;
}

static char *copy_row(const struct part *p, size_t at, size_t n)
{
	if (at == NOWHERE)
		return NULL;
	char *row = xmalloc(n);

	memcpy(row, p->bytes.data + at, n);
	return row;
}

/* Keeps the smallest keys, in order. */
static void show(struct part *p, struct reconcile_findings *f, const struct entry *x)
{
	const char *row = row_at(p, x);
	size_t at = f->n_shown;

	while (at > 0 && compare_keys(p->join, row, any_row(&f->first[at - 1])) < 0)
		at--;
	if (at == RECONCILE_SHOWN)
		return;
	if (f->n_shown == RECONCILE_SHOWN) {
		f->n_shown--;
		free(f->first[f->n_shown].left);
		free(f->first[f->n_shown].right);
	}
	memmove(&f->first[at + 1], &f->first[at], (f->n_shown - at) * sizeof(f->first[0]));
	f->n_shown++;
	f->first[at] = (struct reconcile_finding){
		.left = copy_row(p, x->left, x->left_len),
		.right = copy_row(p, x->right, x->right_len),
		.n_left = x->n_left,
		.n_right = x->n_right,
	};
}

static void find(struct part *p, enum reconcile_finding_type type, const struct entry *x, int64_t n)
{
	struct reconcile_findings *f = &p->join->findings[type];

	f->n += n;
	f->n_keys++;
	show(p, f, x);
}

static void judge_keys(struct part *p)
{
	struct reconcile_findings *all = p->join->findings;

	for (size_t i = 0; i < p->n; i++) {
		const struct entry *x = &p->entries[i];
		int64_t n_over =
			(x->n_left > 1 ? x->n_left - 1 : 0) + (x->n_right > 1 ? x->n_right - 1 : 0);

		all[RECONCILE_MISSING_RIGHT].n_total += x->n_left > 0;
		all[RECONCILE_MISSING_LEFT].n_total += x->n_right > 0;
		if (n_over > 0)
			find(p, RECONCILE_DUPLICATES, x, n_over);
		if (x->n_left == 0) {
			find(p, RECONCILE_MISSING_LEFT, x, 1);
		} else if (x->n_right == 0) {
			find(p, RECONCILE_MISSING_RIGHT, x, 1);
		} else if (n_over == 0) {
			all[RECONCILE_DIFFERENT].n_total++;
			if (x->right != NOWHERE)
				find(p, RECONCILE_DIFFERENT, x, 1);
		}
	}
}

int reconcile_join_run(struct reconcile_join *j, struct err *e)
{
	struct part p = {.join = j};
	int rc = 0;

	buf_init(&p.bytes, RECONCILE_PART_MAX_BYTES);
	for (size_t i = 0; i < RECONCILE_PARTS && rc == 0; i++) {
		p.n = 0;
		buf_reset(&p.bytes);
		if (p.n_slots > 0)
			memset(p.slots, 0, p.n_slots * sizeof(*p.slots));
		rc = spill_read(j->left, i, take_left, &p, e);
		if (rc == 0)
			rc = spill_read(j->right, i, take_right, &p, e);
		if (rc == 0)
			judge_keys(&p);
	}
	j->findings[RECONCILE_DUPLICATES].n_total = j->n_left + j->n_right;
	buf_release(&p.bytes);
	free(p.entries);
	free(p.slots);
	return rc;
}
