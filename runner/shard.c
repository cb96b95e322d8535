/* Components are found by union-find over the indexes of checks; a part is a number of each. */
#include "runner/shard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/digest.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/selection.h"

int shard_parse(const char *text, struct run_shard *out, struct err *e)
{
	const char *slash = strchr(text, '/');
	int64_t index, total;

	if (slash == NULL || num_parse_int(text, (size_t)(slash - text), &index) != 0 ||
	    num_parse_int(slash + 1, strlen(slash + 1), &total) != 0) {
		(void)err_set(e, ERR_USAGE, "cannot read --shard %s: it is I/N, e.g. 2/4", text);
		return err_help(e, "I is the number of this part, from 1, N that of all of them");
	}
	if (total < 1 || total > RECORD_MAX_SHARDS)
		return err_set(e, ERR_USAGE, "cannot split into %" PRId64 " parts: 1 to %d", total,
			       RECORD_MAX_SHARDS);
	if (index < 1 || index > total)
		return err_set(e, ERR_USAGE,
			       "there is no part %" PRId64 " of %" PRId64 ": they are numbered "
			       "from 1 to %" PRId64,
			       index, total, total);
	out->index = index;
	out->total = total;
	return 0;
}

/* ---- the split ---- */

struct split {
	size_t *parent;	    /* of each check of the definition, by index */
	uint64_t *smallest; /* of each root: the smallest hash among those that need nothing */
};

static uint64_t hash_of(const char *name)
{
	unsigned char digest[SHA256_BYTES];
	uint64_t hash = 0;

	sha256_of(name, strlen(name), digest);
	for (size_t i = 0; i < sizeof(hash); i++)
		hash = hash << 8 | digest[i];
	return hash;
}

static size_t root_of(struct split *s, size_t i)
{
	while (s->parent[i] != i)
		i = s->parent[i] = s->parent[s->parent[i]];
	return i;
}

static void join(struct split *s, size_t a, size_t b)
{
	size_t x = root_of(s, a), y = root_of(s, b);

	s->parent[x] = y;
	if (s->smallest[x] < s->smallest[y])
		s->smallest[y] = s->smallest[x];
}

size_t shard_split(struct arena *a, const struct definition *d, const struct check *const *whole,
		   size_t n, int64_t total, const struct check ***checks, int64_t **parts)
{
	struct split s = {
		.parent = arena_array(a, d->n_checks, sizeof(*s.parent)),
		.smallest = arena_array(a, d->n_checks, sizeof(*s.smallest)),
	};
	bool *is_wanted = arena_array(a, d->n_checks, sizeof(*is_wanted));
	size_t count = 0;

	*checks = arena_array(a, d->n_checks, sizeof(struct check *));
	*parts = arena_array(a, d->n_checks, sizeof(**parts));
	for (size_t i = 0; i < n; i++)
		selection_want(whole[i], is_wanted);
	for (size_t i = 0; i < d->n_checks; i++) {
		s.parent[i] = i;
		s.smallest[i] =
			d->checks[i]->n_needs == 0 ? hash_of(d->checks[i]->name) : UINT64_MAX;
	}
	for (size_t i = 0; i < d->n_checks; i++)
		for (size_t k = 0; k < d->checks[i]->n_needs && is_wanted[i]; k++)
			join(&s, i, d->checks[i]->needs[k]->index);
	for (size_t i = 0; i < d->n_checks; i++) {
		if (!is_wanted[i])
			continue;
		(*checks)[count] = d->checks[i];
		(*parts)[count++] = 1 + (int64_t)(s.smallest[root_of(&s, i)] % (uint64_t)total);
	}
	return count;
}

/* ---- the manifest ---- */

static int compare_pairs(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : strcmp(a->value, b->value);
}

static int compare_checks(const void *x, const void *y)
{
	const struct check *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

/* With its NUL, which no text holds: none can pretend to be two. */
static void add_text(struct sha256 *h, const char *text)
{
	sha256_add(h, text, strlen(text) + 1);
}

static void add_count(struct arena *a, struct sha256 *h, const char *what, size_t n)
{
	add_text(h, arena_printf(a, "%s %zu", what, n));
}

/* checks: all of the whole; they are sorted here. */
static void make_manifest(struct app *app, const struct definition *d, const struct options *o,
			  const char *subject, const char *words, const struct check **checks,
			  size_t n, struct run_shard *out)
{
	struct pair *vars = arena_array(app->arena, o->vars.n + 1, sizeof(*vars));
	struct sha256 h;

	if (o->vars.n > 0)
		memcpy(vars, o->vars.items, o->vars.n * sizeof(*vars));
	qsort(vars, o->vars.n, sizeof(*vars), compare_pairs);
	qsort(checks, n, sizeof(*checks), compare_checks);
	sha256_init(&h);
	add_text(&h, "assize shards 1");
	sha256_add(&h, d->digest, sizeof(d->digest));
	add_text(&h, subject);
	add_text(&h, words);
	add_count(app->arena, &h, "parts", (size_t)out->total);
	add_count(app->arena, &h, "variables", o->vars.n);
	for (size_t i = 0; i < o->vars.n; i++) {
		add_text(&h, vars[i].name);
		add_text(&h, vars[i].value);
	}
	add_count(app->arena, &h, "checks", n);
	for (size_t i = 0; i < n; i++) {
		add_text(&h, checks[i]->name);
		sha256_add(&h, checks[i]->hash, sizeof(checks[i]->hash));
	}
	sha256_final(&h, out->manifest);
}

int shard_take(struct app *app, const struct definition *d, const struct options *o,
	       const char *subject, struct selection *s, struct run_shard *out, struct err *e)
{
	struct run_shard shard = {.index = 0};
	const struct check **checks;
	int64_t *parts;
	size_t n;

	*out = shard;
	if (o->shard == NULL)
		return 0;
	if (shard_parse(o->shard, &shard, e) != 0)
		return -1;
	n = shard_split(app->arena, d, s->checks, s->n_checks, shard.total, &checks, &parts);
	s->n_checks = 0;
	s->checks = arena_array(app->arena, n, sizeof(*s->checks));
	for (size_t i = 0; i < n; i++)
		if (parts[i] == shard.index)
			s->checks[s->n_checks++] = checks[i];
	make_manifest(app, d, o, subject, s->text, checks, n, &shard);
	*out = shard;
	return 0;
}
