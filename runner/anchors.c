#include "runner/anchors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gates/gate.h"
#include "runner/anchors_http.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/history/ledger.h"
#include "runner/identity.h"
#include "runner/io/digest.h"
#include "runner/io/git_branch.h"
#include "runner/io/note.h"
#include "runner/io/timestamp.h"
#include "runner/ledger_show.h"
#include "runner/model/definition.h"

#define MAX_TRIES	5
#define STATUS_CONFLICT 409
#define MAX_TIME_S	INT64_C(253402300799) /* the year 9999 */

static const char *const kinds[] = {
	[ANCHOR_GIT] = "git", [ANCHOR_TIMESTAMP] = "timestamp", [ANCHOR_WITNESS] = "witness"};

const char *anchor_kind(const struct anchor *x)
{
	return kinds[x->type];
}

const char *anchor_place(struct app *app, const struct anchor *x)
{
	const char *url = redact_text(x->redactor, app->arena, branch_shown(app->arena, x->url));

	return x->type == ANCHOR_GIT ? arena_printf(app->arena, "%s#%s", url, x->branch) : url;
}

/* What putting comes to, besides 0 and -1. */
#define IS_THERE 1 /* it was there */
#define IS_NEWER 2 /* a newer one was: there is nothing to record */

/* What an anchor gave for a checkpoint. */
struct receipt {
	const unsigned char *p;
	size_t n;
};

static int keep(struct app *app, struct record *record, const struct anchor *x,
		const struct ledger_checkpoint *c, struct receipt receipt, struct err *e)
{
	struct ledger_anchor row = {
		.at_ms = clock_wall_ms(&app->clock),
		.kind = anchor_kind(x),
		.place = anchor_place(app, x),
		.size = c->size,
		.root = c->root,
		.receipt = receipt.p,
		.n_receipt = receipt.n,
	};

	identity_who(app, &row.host, &row.user);
	return ledger_add_anchor(record, &row, e);
}

/* ---- git ---- */

/* The last part of the origin is the record's identity. */
static const char *file_of(struct app *app, const char *origin)
{
	const char *slash = strrchr(origin, '/');

	return arena_printf(app->arena, "%s.checkpoint", slash != NULL ? slash + 1 : origin);
}

static bool is_signed(const struct note *note, const struct ledger_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (note_is_signed(note, &keys[i].key, NULL))
			return true;
	return false;
}

/* The newest that a key of the record has signed: others may write there too. NULL = none. */
static int find_last(struct app *app, struct record *record, const char *origin,
		     const struct branch_version *versions, size_t n,
		     const struct branch_version **last, struct ledger_checkpoint *there,
		     struct err *e)
{
	struct ledger_key *keys;
	size_t n_keys;

	*last = NULL;
	if (ledger_keys(record, app->arena, &keys, &n_keys, e) != 0)
		return -1;
	for (size_t i = 0; i < n && *last == NULL; i++) {
		const struct branch_version *v = &versions[i];
		struct note note;

		if (ledger_checkpoint_parse(app->arena, v->text, v->n, there, NULL) == 0 &&
		    there->size > 0 && strcmp(there->origin, origin) == 0 &&
		    note_parse(app->arena, v->text, v->n, &note, NULL) == 0 &&
		    is_signed(&note, keys, n_keys))
			*last = v;
	}
	return 0;
}

/*
 * What was put there last must be what the record begins with. It may be newer than c when somebody
 * was faster: the record has gone on then. IS_NEWER, 0 or -1.
 */
static int check_last(struct app *app, struct record *record, const struct ledger_checkpoint *there,
		      const struct ledger_checkpoint *c, struct err *e)
{
	bool is_newer = there->size > c->size;
	const struct ledger_checkpoint *old = is_newer ? c : there, *new = is_newer ? there : c;
	struct merkle_proof proof;
	struct ledger_head head;

	if (ledger_head(record, app->arena, &head, e) != 0)
		return -1;
	if (new->size > head.size)
		return err_set(e, ERR_MEASURE,
			       "it vouches for %" PRIu64
			       " records: the record is shorter than it was",
			       there->size);
	if (ledger_prove_extension(record, app->arena, old->size, new->size, &proof, e) != 0)
		return -1;
	if (merkle_is_consistent(old->size, &old->root, new->size, &new->root, &proof))
		return is_newer ? IS_NEWER : 0;
	return err_set(e, ERR_MEASURE,
		       "it vouches for %" PRIu64
		       " records that are not those the record begins with: history was rewritten",
		       there->size);
}

/* IS_THERE = the file says so already, IS_NEWER = more than that. */
static int extend_branch(struct app *app, struct record *record, struct branch *b,
			 const struct ledger_checkpoint *c, const char **commit, struct err *e)
{
	struct arena *a = app->arena;
	struct branch_version *versions;
	const struct branch_version *last;
	struct ledger_checkpoint there;
	const char *host, *user;
	struct branch_change change = {
		.file = file_of(app, c->origin),
		.p = c->note,
		.n = strlen(c->note),
		.message = arena_printf(a, "%s: %" PRIu64 " records\n", c->origin, c->size),
		.at_ms = clock_wall_ms(&app->clock),
	};
	size_t n;
	int rc;

	if (branch_versions(b, change.file, &versions, &n, e) != 0 ||
	    find_last(app, record, c->origin, versions, n, &last, &there, e) != 0)
		return -1;
	if (last != NULL && last->n == change.n && memcmp(last->text, c->note, change.n) == 0) {
		*commit = last->commit;
		return IS_THERE;
	}
	rc = last == NULL ? 0 : check_last(app, record, &there, c, e);
	if (rc < 0)
		return err_context(e, "commit %.12s", last->commit);
	if (rc == IS_NEWER)
		return rc;
	identity_who(app, &host, &user);
	change.name = user[0] != '\0' ? user : "assize";
	change.mail = arena_printf(a, "%s@%s", change.name, host[0] != '\0' ? host : "localhost");
	return branch_add(b, &change, commit, e);
}

/* A push that failed is made once more when somebody else extended the branch meanwhile. */
static int put_git(struct app *app, struct record *record, const struct anchor *x,
		   const struct ledger_checkpoint *c, struct receipt *receipt, struct err *e)
{
	const char *commit = NULL, *tip = NULL;
	struct branch *b;
	int rc = -1;

	for (int tries = 0; rc < 0 && tries < MAX_TRIES; tries++) {
		struct err why = {0};

		if (branch_open(app->arena, app_temporary(app), x->url, x->branch, x->timeout_ms,
				&b, e) != 0)
			return -1;
		if (tries > 0 && str_equal(tip, branch_tip(b))) {
			branch_close(b);
			return -1; /* as it was told */
		}
		tip = branch_tip(b);
		rc = extend_branch(app, record, b, c, &commit, &why);
		branch_close(b);
		*e = why;
	}
	if (commit != NULL)
		*receipt = (struct receipt){(const unsigned char *)commit, strlen(commit)};
	return rc;
}

/* ---- time stamps ---- */

static bool is_misdated(int64_t at_ms, int64_t now_ms)
{
	return at_ms <= 0 || at_ms - now_ms > GATE_MAX_CLOCK_SKEW_MS;
}

/* What a verifier would not count is not taken. */
static int check_date(struct app *app, int64_t at_ms, struct err *e)
{
	if (!is_misdated(at_ms, clock_wall_ms(&app->clock)))
		return 0;
	return err_set(e, ERR_MEASURE, "it is dated as it cannot be: a clock is wrong");
}

static int put_timestamp(struct app *app, const struct anchor *x, const struct ledger_checkpoint *c,
			 struct receipt *receipt, struct err *e)
{
	struct anchor_exchange ask = {
		.timeout_ms = x->timeout_ms, .url = x->url, .type = "application/timestamp-query"};
	unsigned char digest[SHA256_BYTES];
	const unsigned char *request;
	int64_t at_ms;
	int rc;

	sha256_of(c->note, strlen(c->note), digest);
	if (timestamp_request(app->arena, digest, &request, &ask.n, e) != 0)
		return -1;
	ask.body = request;
	buf_init(&ask.answer, ANCHOR_MAX_ANSWER);
	rc = anchor_post(app, &ask, e);
	if (rc == 0 && ask.status != 200)
		rc = err_set(e, ERR_MEASURE, "it answered with status %ld", ask.status);
	if (rc == 0)
		rc = timestamp_response(app->arena, ask.answer.data, ask.answer.len, request, ask.n,
					&receipt->p, &receipt->n, e);
	buf_release(&ask.answer);
	if (rc == 0)
		rc = timestamp_verify(receipt->p, receipt->n, digest, x->ca_file, &at_ms, e);
	return rc == 0 ? check_date(app, at_ms, e) : -1;
}

/* ---- witnesses ---- */

static const char *cosigned(struct app *app, const char *note, const void *lines, size_t n)
{
	return arena_printf(app->arena, "%s%.*s", note, (int)n, (const char *)lines);
}

/* Signed by the witness? *at_ms: when. */
static int check_cosigned(struct app *app, const struct anchor *x, const char *text, int64_t *at_ms,
			  struct err *e)
{
	struct note_key key;
	struct note note;
	int64_t at_s = 0;

	if (note_key_parse(app->arena, x->key, &key, e) != 0 ||
	    note_parse(app->arena, text, strlen(text), &note, e) != 0)
		return -1;
	if (!note_is_signed(&note, &key, &at_s))
		return err_set(e, ERR_MEASURE, "what it gave is not signed by %s", key.name);
	if (at_s < 0 || at_s > MAX_TIME_S)
		return err_set(e, ERR_MEASURE, "what it gave is signed for a time no clock has");
	*at_ms = at_s * 1000;
	return 0;
}

/* The size its last signature is for; 0 = none, as far as we know. */
static int last_size(struct app *app, struct record *record, const struct anchor *x, uint64_t *out,
		     struct err *e)
{
	struct ledger_anchor *rows;
	size_t n;

	if (ledger_anchors(record, app->arena, anchor_kind(x), anchor_place(app, x), 1, &rows, &n,
			   e) != 0)
		return -1;
	*out = n > 0 ? rows[0].size : 0;
	return 0;
}

static int ask_witness(struct app *app, struct record *record, struct anchor_exchange *ask,
		       uint64_t old, const struct ledger_checkpoint *c, struct err *e)
{
	struct merkle_proof proof = {.n = 0};
	struct buf body;
	int rc;

	if (old > 0 && old < c->size &&
	    ledger_prove_extension(record, app->arena, old, c->size, &proof, e) != 0)
		return -1;
	buf_init(&body, BUF_UNBOUNDED); /* a note is bounded */
	ledger_put_extension(app, &body, (unsigned long long)old, &proof, c);
	ask->body = body.data;
	ask->n = body.len;
	rc = anchor_post(app, ask, e);
	buf_release(&body);
	return rc;
}

/*
 * It has seen another size than we thought: that one. IS_NEWER = more than c, of what this record
 * has put there meanwhile.
 */
static int told_size(struct app *app, struct record *record, const struct anchor *x,
		     const struct anchor_exchange *ask, const struct ledger_checkpoint *c,
		     uint64_t *old, struct err *e)
{
	size_t n = strcspn(ask->answer.data, "\n");
	uint64_t ours;
	int64_t size;

	if (num_parse_int(ask->answer.data, n, &size) != 0 || size < 0)
		return err_set(e, ERR_MEASURE,
			       "it has seen another checkpoint and does not say which");
	if (last_size(app, record, x, &ours, e) != 0)
		return -1;
	if ((uint64_t)size > c->size && (uint64_t)size <= ours)
		return IS_NEWER;
	if ((uint64_t)size > c->size)
		return err_set(e, ERR_MEASURE,
			       "it has seen %" PRId64 " records, and there are %" PRIu64
			       ": the record is shorter than it was",
			       size, c->size);
	*old = (uint64_t)size;
	return 0;
}

static int put_witness(struct app *app, struct record *record, const struct anchor *x,
		       const struct ledger_checkpoint *c, struct receipt *receipt, struct err *e)
{
	size_t n = strlen(x->url);
	struct anchor_exchange ask = {.timeout_ms = x->timeout_ms,
				      .type = "text/plain; charset=utf-8"};
	uint64_t old;
	int64_t at_ms;
	int rc;

	if (last_size(app, record, x, &old, e) != 0)
		return -1;
	while (n > 0 && x->url[n - 1] == '/')
		n--;
	ask.url = arena_printf(app->arena, "%.*s/add-checkpoint", (int)n, x->url);
	buf_init(&ask.answer, ANCHOR_MAX_ANSWER);
	rc = ask_witness(app, record, &ask, old, c, e);
	if (rc == 0 && ask.status == STATUS_CONFLICT) {
		rc = told_size(app, record, x, &ask, c, &old, e);
		if (rc == 0)
			rc = ask_witness(app, record, &ask, old, c, e);
	}
	if (rc == 0 && ask.status != 200)
		rc = err_set(e, ERR_MEASURE, "it refused with status %ld%s", ask.status,
			     ask.status == 422 ? ": the record does not extend what it has seen"
					       : "");
	if (rc == 0)
		rc = check_cosigned(app, x, cosigned(app, c->note, ask.answer.data, ask.answer.len),
				    &at_ms, e);
	if (rc == 0)
		rc = check_date(app, at_ms, e);
	if (rc == 0) {
		receipt->p = (const unsigned char *)arena_strndup(app->arena, ask.answer.data,
								  ask.answer.len);
		receipt->n = ask.answer.len;
	}
	buf_release(&ask.answer);
	return rc;
}

/* ---- putting ---- */

static int is_there(struct app *app, struct record *record, const struct anchor *x,
		    const struct ledger_checkpoint *c, struct err *e)
{
	uint64_t size;

	if (last_size(app, record, x, &size, e) != 0)
		return -1;
	return size >= c->size; /* somebody was faster, perhaps */
}

int anchors_put(struct app *app, struct record *record, const struct anchor *x,
		const struct ledger_checkpoint *c, struct err *e)
{
	struct receipt receipt = {.n = 0};
	int rc = is_there(app, record, x, c, e);

	if (rc != 0)
		return rc;
	switch (x->type) {
	case ANCHOR_GIT:
		rc = put_git(app, record, x, c, &receipt, e);
		break;
	case ANCHOR_TIMESTAMP:
		rc = put_timestamp(app, x, c, &receipt, e);
		break;
	case ANCHOR_WITNESS:
		rc = put_witness(app, record, x, c, &receipt, e);
		break;
	}
	if (rc < 0 || rc == IS_NEWER)
		return rc < 0 ? -1 : 1;
	return keep(app, record, x, c, receipt, e);
}

/* ---- looking ---- */

struct gathered {
	struct app *app;
	struct record *record;
	int64_t now_ms;
	size_t place; /* that is looked at, of trust's places */
	struct ledger_kept *items;
	size_t n, cap;
};

static void add(struct gathered *g, struct ledger_kept kept)
{
	if (g->n == g->cap) {
		size_t cap = g->cap == 0 ? 16 : g->cap * 2;
		struct ledger_kept *more = arena_array(g->app->arena, cap, sizeof(*more));

		if (g->n > 0)
			memcpy(more, g->items, g->n * sizeof(*more));
		g->items = more;
		g->cap = cap;
	}
	kept.place = g->place + 1;
	kept.is_misdated = kept.why == NULL && is_misdated(kept.at_ms, g->now_ms);
	g->items[g->n++] = kept;
}

static void add_failure(struct gathered *g, const char *from, const struct err *why)
{
	add(g,
	    (struct ledger_kept){.from = from, .why = arena_strdup(g->app->arena, why->message)});
}

static bool look_git(struct gathered *g, const struct anchor *x, const char *origin)
{
	struct arena *a = g->app->arena;
	const char *place = anchor_place(g->app, x);
	struct branch_version *versions = NULL;
	struct branch *b = NULL;
	struct err why = {0};
	size_t n = 0;
	bool is_read = branch_open(a, app_temporary(g->app), x->url, x->branch, x->timeout_ms, &b,
				   &why) == 0 &&
		       branch_versions(b, file_of(g->app, origin), &versions, &n, &why) == 0;

	if (!is_read)
		add_failure(g, place, &why);
	for (size_t i = 0; i < n; i++)
		add(g,
		    (struct ledger_kept){
			    .from = arena_printf(a, "%s, commit %.12s", place, versions[i].commit),
			    .note = versions[i].text,
			    .n = versions[i].n,
			    .at_ms = versions[i].at_ms,
		    });
	branch_close(b);
	return is_read;
}

/* What the record has of it, with the checkpoint it is for. */
static int look_receipt(struct gathered *g, const struct anchor *x, const struct ledger_anchor *row,
			struct err *e)
{
	struct arena *a = g->app->arena;
	struct ledger_kept kept = {.from = arena_printf(a, "%s of %s for %" PRIu64 " records",
							anchor_kind(x), row->place, row->size),
				   .is_time_only = x->type == ANCHOR_TIMESTAMP};
	unsigned char digest[SHA256_BYTES];
	struct ledger_checkpoint c;
	struct err why = {0};
	int rc = ledger_checkpoint_at(g->record, a, row->size, &c, e);

	if (rc < 0)
		return -1;
	if (rc == 1) {
		(void)err_set(&why, ERR_MEASURE, "the checkpoint it is for is gone");
		add_failure(g, kept.from, &why);
		return 0;
	}
	kept.note = c.note;
	if (x->type == ANCHOR_TIMESTAMP) {
		sha256_of(c.note, strlen(c.note), digest);
		rc = timestamp_verify(row->receipt, row->n_receipt, digest, x->ca_file, &kept.at_ms,
				      &why);
	} else {
		kept.note = cosigned(g->app, c.note, row->receipt, row->n_receipt);
		rc = check_cosigned(g->app, x, kept.note, &kept.at_ms, &why);
	}
	kept.n = strlen(kept.note);
	if (rc != 0)
		add_failure(g, kept.from, &why);
	else
		add(g, kept);
	return 0;
}

static int look_receipts(struct gathered *g, const struct anchor *x, struct err *e)
{
	struct ledger_anchor *rows;
	size_t n;

	if (ledger_anchors(g->record, g->app->arena, anchor_kind(x), anchor_place(g->app, x),
			   SIZE_MAX / 2, &rows, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (look_receipt(g, x, &rows[i], e) != 0)
			return -1;
	return 0;
}

/* Those there are, and behind them what was gathered. */
static void hand_over(struct gathered *g, struct ledger_trust *t)
{
	struct ledger_kept *all = arena_array(g->app->arena, t->n_kept + g->n + 1, sizeof(*all));

	if (t->n_kept > 0)
		memcpy(all, t->kept, t->n_kept * sizeof(*all));
	if (g->n > 0)
		memcpy(all + t->n_kept, g->items, g->n * sizeof(*all));
	t->kept = all;
	t->n_kept += g->n;
}

int anchors_gather(struct app *app, const struct definition *d, struct record *record,
		   bool is_offline, struct ledger_trust *t, struct err *e)
{
	const struct ledger_settings *s = d->ledger;
	size_t n = s != NULL ? s->n_anchors : 0;
	struct ledger_place *places = arena_array(app->arena, n + 1, sizeof(*places));
	struct gathered g = {.app = app, .record = record, .now_ms = clock_wall_ms(&app->clock)};
	struct ledger_head head;

	if (ledger_head(record, app->arena, &head, e) != 0)
		return -1;
	for (g.place = 0; g.place < n; g.place++) {
		const struct anchor *x = &s->anchors[g.place];
		struct ledger_place *place = &places[g.place];

		*place = (struct ledger_place){.kind = anchor_kind(x),
					       .name = anchor_place(app, x),
					       .is_branch = x->type == ANCHOR_GIT};
		if (head.origin == NULL)
			continue;
		if (x->type != ANCHOR_GIT && look_receipts(&g, x, e) != 0)
			return -1;
		place->is_read =
			x->type != ANCHOR_GIT || (!is_offline && look_git(&g, x, head.origin));
	}
	hand_over(&g, t);
	t->places = places;
	t->n_places = n;
	return 0;
}
