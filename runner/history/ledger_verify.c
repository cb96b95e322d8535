/* The order of a verification, and what it says. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/shared.h"

/* What has to give way when there is no more room; LEDGER_MAX_FINDINGS = nothing. */
static size_t last_lesser(const struct ledger_verification *v, enum ledger_grade grade)
{
	for (size_t i = v->n_findings; i > 0; i--)
		if (v->findings[i - 1].grade > grade)
			return i - 1;
	return LEDGER_MAX_FINDINGS;
}

int ledger_find(struct ledger_check *c, enum ledger_grade grade, const char *help, const char *fmt,
		...)
{
	struct ledger_verification *v = c->out;
	size_t at;
	va_list ap;

	v->n_broken += grade == LEDGER_BROKEN;
	v->n_doubts += grade == LEDGER_DOUBT;
	v->is_cut = v->n_findings >= LEDGER_MAX_FINDINGS;
	if (!v->is_cut) {
		v->findings = store_grow(c->a, v->findings, sizeof(*v->findings), v->n_findings,
					 &c->cap_findings);
		at = v->n_findings++;
	} else {
		at = last_lesser(v, grade);
	}
	if (at == LEDGER_MAX_FINDINGS)
		return 0;
	va_start(ap, fmt);
	v->findings[at] = (struct ledger_finding){grade, arena_vprintf(c->a, fmt, ap), help};
	va_end(ap);
	return 0;
}

const struct merkle_hash *ledger_root_of(const struct ledger_check *c, uint64_t size)
{
	const struct ledger_root wanted = {.size = size};
	const struct ledger_root *found =
		c->n_roots == 0
			? NULL
			: bsearch(&wanted, c->roots, c->n_roots, sizeof(wanted), ledger_root_order);

	return found != NULL && found->is_known ? &found->root : NULL;
}

static int check_times(struct ledger_check *c, struct err *e)
{
	struct ledger_verification *v = c->out;
	size_t i = v->n_findings, n_doubts = v->n_doubts;

	if (ledger_check_times(c, e) != 0)
		return -1;
	while (i < v->n_findings && v->findings[i].grade != LEDGER_DOUBT)
		i++;
	if (v->n_doubts > n_doubts)
		v->time_doubt = i < v->n_findings ? v->findings[i].text
						  : "there is more to say than can be said";
	return 0;
}

static int check_all(struct ledger_check *c, struct err *e)
{
	int (*const steps[])(struct ledger_check *, struct err *) = {
		ledger_check_file,   ledger_gather_signed, ledger_check_contents,
		ledger_check_leaves, ledger_check_caches,  ledger_check_signed,
		check_times,
	};

	if (ledger_read_head(c->r, c->a, &c->out->head, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i](c, e) != 0)
			return -1;
	return 0;
}

/* By grade, those of one grade in the order they were found. */
static void sort_findings(struct ledger_verification *v, struct arena *a)
{
	struct ledger_finding *sorted = arena_array(a, v->n_findings, sizeof(*sorted));
	size_t n = 0;

	for (int grade = LEDGER_BROKEN; grade <= LEDGER_NOTE; grade++)
		for (size_t i = 0; i < v->n_findings; i++)
			if ((int)v->findings[i].grade == grade)
				sorted[n++] = v->findings[i];
	v->findings = sorted;
}

int ledger_verify_entered(struct record *r, struct arena *a, const struct ledger_trust *trust,
			  struct ledger_verification *out, struct err *e)
{
	const struct merkle_hash *root;
	uint64_t n_rows[LEAF_MAX_KINDS] = {0};
	struct ledger_verification v = {.is_key_trusted = false};
	struct ledger_check c = {
		.r = r,
		.a = a,
		.trust = trust,
		.out = &v,
		.standings = {.arena = a},
		.latest = {.arena = a},
		.n_rows = n_rows,
	};
	struct err why = {0};
	int rc;

	rc = store_check_pages(r, &why);
	if (rc == 0)
		rc = check_all(&c, &why);
	/* Damage that stops the reading is what was looked for, not a reason to say nothing. */
	if (rc != 0 && why.class == ERR_RECORD)
		rc = ledger_find(&c, LEDGER_BROKEN, NULL, "it cannot be read to the end: %s",
				 why.message);
	else if (rc != 0)
		*e = why;
	if (rc != 0)
		return -1;
	root = ledger_root_of(&c, trust->root_at);
	v.has_root_at = root != NULL;
	if (root != NULL)
		v.root_at = *root;
	sort_findings(&v, a);
	*out = v;
	return 0;
}

int ledger_check_rows(struct record *r, struct arena *a, const char **broken, struct err *e)
{
	static const struct ledger_trust nobody;
	int (*const steps[])(struct ledger_check *, struct err *) = {
		ledger_check_file, ledger_check_contents, ledger_check_leaves, ledger_check_caches};
	uint64_t n_rows[LEAF_MAX_KINDS] = {0};
	struct ledger_verification v = {.is_key_trusted = false};
	struct ledger_check c = {
		.r = r,
		.a = a,
		.trust = &nobody,
		.out = &v,
		.standings = {.arena = a},
		.latest = {.arena = a},
		.n_rows = n_rows,
	};
	int rc = ledger_read_head(r, a, &v.head, e);

	for (size_t i = 0; rc == 0 && v.n_broken == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&c, e);
	*broken = NULL;
	for (size_t i = v.n_findings; i > 0; i--)
		if (v.findings[i - 1].grade == LEDGER_BROKEN)
			*broken = v.findings[i - 1].text;
	return rc;
}

static int verify_in_place(struct record *r, struct arena *a, const struct ledger_trust *trust,
			   struct ledger_verification *out, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, ledger_verify_entered(r, a, trust, out, e), e);
}

/* Of one that is held what was read, and will be, is what is verified. */
int ledger_verify(struct record *r, struct arena *a, const struct ledger_trust *trust,
		  struct ledger_verification *out, struct err *e)
{
	struct err ignored = {0};
	struct record *aside;
	int rc;

	if (r->shared != NULL)
		return shared_verify(r, a, trust, out, e);
	/* No room for a copy, or damage that keeps from making one: others wait. */
	if (r->is_held || store_aside(r, &aside, &ignored) != 0)
		return verify_in_place(r, a, trust, out, e);
	rc = verify_in_place(aside, a, trust, out, e);
	record_close(aside);
	return rc;
}
