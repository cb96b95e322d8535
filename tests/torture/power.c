/*
 * power: is anything lost, or half there, when the power goes or the disk fails?
 *
 *	power DIR SEEDS FIRST-SEED [--liar]
 *
 * Each seed is one record in DIR and LIVES processes that write to it, one after the other, through
 * crash_vfs.h: runs, batches of results with evidence and samples, ends, challenges, signed
 *checkpoints. Each ends after some operation of its file, chosen by the seed, by a loss of power;
 *in one of three lives the disk fails first (full, or an error of writing or syncing; once or from
 *then on). The next life starts in what is left, so recovery is interrupted as well. What was
 *acknowledged goes through a pipe. After each life, on a copy:
 *
 *	the record opens, SQLite finds it sound, the ledger verifies;
 *	everything acknowledged is there as it was given;
 *	what was under way is there as a whole or not at all, and nothing else is.
 *
 * With --liar the disk says it synced when it did not, and violations are what is expected: so they
 * are seen. Exit status 0 only when there were none.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sys/wait.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger.h"
#include "runner/history/record.h"
#include "runner/io/sign.h"
#include "tests/torture/crash_vfs.h"
#include "tests/torture/given.h"

#define LIVES	  4
#define N_CHECKS  90
#define MAX_RUNS  200
#define LONGEST	  2000 /* operations of a life, at most */
#define MAX_BATCH 30
#define N_PATH	  512
#define ASK_RUNS  1000

_Noreturn static void die(const char *what)
{
	(void)fprintf(stderr, "power: %s\n", what);
	exit(2);
}

/* ---- what a life says ---- */

static int pipe_fd;

static void say(struct message m, bool is_done)
{
	m.is_done = is_done;
	if (write(pipe_fd, &m, sizeof(m)) != sizeof(m))
		abort();
}

/* ---- what it writes ---- */

struct life {
	struct arena *arena; /* of one step */
	struct record *record;
	struct sign_key *key;
};

/* A batch; with its end when run is not NULL. */
static bool add_batch(struct life *l, int64_t run_id, uint64_t first, uint64_t n,
		      const struct run_info *run)
{
	struct result results[MAX_BATCH];
	struct message m = {.word = run != NULL ? ENDS : ADDS,
			    .run = run_id,
			    .first = first,
			    .n = n,
			    .seed = stats_random_next(&disk.random)};
	struct err e = {0};

	for (uint64_t i = 0; i < n; i++)
		make_result(l->arena, &m, first + i, &results[i]);
	say(m, false);
	if ((run != NULL ? record_last(l->record, run, results, n, NULL, 0, &e)
			 : record_results(l->record, run_id, results, n, NULL, 0, &e)) != 0)
		return false;
	say(m, true);
	return true;
}

static bool sign(struct life *l)
{
	struct message m = {.word = SIGNS};
	struct err e = {0};
	const char *note;

	say(m, false);
	if (ledger_checkpoint_make(l->record, l->arena, l->key, &note, &e) != 0)
		return false;
	say(m, true);
	return true;
}

static bool challenge(struct life *l)
{
	const struct challenge_origin origin = {.recorded_ms = BEGIN_MS};
	struct message m = {.word = CHALLENGES, .seed = stats_random_next(&disk.random)};
	const struct challenged c = make_challenged(l->arena, m.seed);
	struct err e = {0};

	say(m, false);
	if (record_challenge_add(l->record, &c, &origin, NULL, &e) != 0)
		return false;
	say(m, true);
	return true;
}

static bool write_run(struct life *l)
{
	struct run_info run = {.begin_ms = BEGIN_MS,
			       .subject = dice(2) ? "v1" : "any",
			       .selection = "",
			       .command = "run",
			       .n_planned = N_CHECKS};
	struct message m = {.word = BEGINS};
	struct err e = {0};
	uint64_t at = 0;

	say(m, false);
	if (record_begin(l->record, &run, &e) != 0)
		return false;
	m.run = run.id;
	say(m, true);
	while (at < N_CHECKS && dice(8) != 0) {
		uint64_t n = 1 + dice(MAX_BATCH);

		n = n < N_CHECKS - at ? n : N_CHECKS - at;
		if (!add_batch(l, run.id, at, n, NULL))
			return false;
		at += n;
	}
	run.end_ms = BEGIN_MS + 1;
	run.state = RUN_COMPLETE;
	if (!add_batch(l, run.id, at, at < N_CHECKS ? 1 : 0, &run))
		return false;
	if (dice(2) == 0 && !challenge(l))
		return false;
	return dice(3) != 0 || sign(l);
}

/* By a disk that is well, or has been since it failed. */
static void refused(void)
{
	if (disk.fault == FAULT_FROM_THEN_ON)
		return;
	if (!disk.has_failed)
		say((struct message){.word = REFUSED}, true);
	disk.has_failed = false;
}

/* Until the power goes; what an error ends goes on with the next run, as other processes would. */
_Noreturn static void live(const char *path, const char *key, uint64_t seed, bool is_liar)
{
	static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC,
				    SQLITE_IOERR_TRUNCATE};
	static const enum disk_fault faults[] = {FAULT_ONCE,  FAULT_FROM_THEN_ON, FAULT_CRASH,
						 FAULT_CRASH, FAULT_CRASH,	  FAULT_CRASH};
	struct life l = {.record = NULL};
	struct err e = {0};
	uint64_t fails;

	crash_install(seed, is_liar);
	if (sign_key_load(key, &l.key, &e) != 0)
		die(e.message);
	fails = dice(6); /* one in three */
	crash_after(1 + (int64_t)dice(LONGEST), faults[fails], codes[dice(4)]);
	for (int i = 0; i < 20; i++) {
		if (l.record == NULL && record_open(path, RECORD_WRITE, &l.record, &e) != 0) {
			refused();
			break;
		}
		l.arena = arena_new();
		if (!write_run(&l)) {
			refused();
			record_close(l.record);
			l.record = NULL;
		}
		arena_free(l.arena);
		e = (struct err){0};
	}
	crash();
}

/* ---- what is known of it ---- */

struct batch {
	struct message given;
	struct batch *next;
};

struct run {
	int64_t id;
	bool is_ended;
	struct batch *batches; /* in no order */
};

struct known {
	struct arena *arena;
	struct run runs[MAX_RUNS];
	size_t n_runs;
	uint64_t n_notes;	       /* checkpoints */
	uint64_t challenges[MAX_RUNS]; /* their seeds */
	size_t n_challenges;
	/* what the last life was about to do when it ended, and each that failed before: any may be
	 * there */
	struct message open[MAX_RUNS];
	size_t n_open;
	uint64_t seed;
	int life;
	size_t n_violations;
};

struct totals {
	uint64_t n_results, n_crashes, n_lost, n_kept, n_violations;
};

static void violation(struct known *k, const char *what, int64_t number)
{
	(void)printf("seed %" PRIu64 ", life %d: %s (%" PRId64 ")\n", k->seed, k->life, what,
		     number);
	k->n_violations++;
}

static struct run *find_run(struct known *k, int64_t id)
{
	for (size_t i = 0; i < k->n_runs; i++)
		if (k->runs[i].id == id)
			return &k->runs[i];
	return NULL;
}

static void take(struct known *k, const struct message *m)
{
	struct run *run = m->word == ADDS || m->word == ENDS ? find_run(k, m->run) : NULL;
	struct batch *b;

	switch (m->word) {
	case BEGINS:
		if (k->n_runs == MAX_RUNS)
			die("too many runs");
		k->runs[k->n_runs++] = (struct run){.id = m->run};
		return;
	case ADDS:
	case ENDS:
		run->is_ended = m->word == ENDS;
		b = arena_alloc(k->arena, sizeof(*b));
		*b = (struct batch){*m, run->batches};
		run->batches = b;
		return;
	case SIGNS:
		k->n_notes++;
		return;
	case CHALLENGES:
		if (k->n_challenges == MAX_RUNS)
			die("too many challenges");
		k->challenges[k->n_challenges++] = m->seed;
		return;
	case REFUSED:
		violation(k, "a disk that is well, and writing is refused", 0);
		return;
	}
}

/* Every message; what was tried and not acknowledged stays open. */
static void listen(struct known *k, int fd, struct totals *t)
{
	struct message m;
	ssize_t n;

	k->n_open = 0;
	while ((n = read(fd, &m, sizeof(m))) == (ssize_t)sizeof(m)) {
		if (!m.is_done) {
			if (k->n_open == MAX_RUNS)
				die("too many failures");
			k->open[k->n_open++] = m;
			continue;
		}
		k->n_open -= m.word != REFUSED;
		take(k, &m);
		t->n_results += m.n;
	}
	if (n != 0)
		die("half a message");
}

/* ---- what is there ---- */

/* What was under way in this run and is there becomes known. */
static void settle_run(struct known *k, struct run *run, const struct result *results, size_t n,
		       bool is_ended, struct totals *t)
{
	for (size_t i = 0; i < k->n_open; i++) {
		const struct message *m = &k->open[i];
		uint64_t there;

		if ((m->word != ADDS && m->word != ENDS) || m->run != run->id)
			continue;
		there = count_there(results, n, m);
		if (m->word == ENDS) {
			if (there != (is_ended ? m->n : 0))
				violation(k, "an end without its results, or they without it, run",
					  run->id);
			if (is_ended)
				take(k, m);
			continue;
		}
		if (there != 0 && there != m->n)
			violation(k, "a batch is half there, run", run->id);
		if (there == m->n)
			take(k, m);
		t->n_kept += there == m->n;
		t->n_lost += there == 0;
	}
}

static void look_at_run(struct known *k, struct record *r, struct arena *a,
			const struct run_info *info, struct totals *t)
{
	struct run *run = find_run(k, info->id);
	struct err e = {0};
	struct result *results;
	uint64_t expected = 0;
	size_t n;

	if (record_run_results(r, a, info->id, &results, &n, &e) != 0) {
		violation(k, e.message, info->id);
		return;
	}
	settle_run(k, run, results, n, info->state == RUN_COMPLETE, t);
	for (const struct batch *b = run->batches; b != NULL; b = b->next) {
		expected += b->given.n;
		if (count_there(results, n, &b->given) != b->given.n)
			violation(k, "an acknowledged batch is lost or changed, run", run->id);
	}
	if (n != expected)
		violation(k, "there are results nobody gave, run", run->id);
	if (run->is_ended != (info->state == RUN_COMPLETE))
		violation(k, "an acknowledged end is lost, or one nobody gave there, run", run->id);
}

static size_t n_open_of(const struct known *k, enum word word)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_open; i++)
		n += k->open[i].word == word;
	return n;
}

static void look_at_runs(struct known *k, struct record *r, struct arena *a, struct totals *t)
{
	size_t n_new = 0, n_seen = 0, n;
	struct err e = {0};
	struct run_info *runs;

	if (record_runs(r, a, 0, ASK_RUNS, &runs, &n, &e) != 0) {
		violation(k, e.message, 0);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (find_run(k, runs[i].id) == NULL) {
			n_new++;
			take(k, &(struct message){.word = BEGINS, .run = runs[i].id});
		} else {
			n_seen++;
		}
	}
	if (n_new > n_open_of(k, BEGINS))
		violation(k, "there are runs nobody began", (int64_t)n_new);
	if (n_seen + n_new != k->n_runs)
		violation(k, "acknowledged runs are lost", (int64_t)(k->n_runs - n_seen));
	for (size_t i = 0; i < n; i++)
		look_at_run(k, r, a, &runs[i], t);
}

static bool knows_challenge(struct known *k, uint64_t seed)
{
	for (size_t i = 0; i < k->n_challenges; i++)
		if (k->challenges[i] == seed)
			return true;
	for (size_t i = 0; i < k->n_open; i++) {
		if (k->open[i].word != CHALLENGES || k->open[i].seed != seed)
			continue;
		take(k, &k->open[i]);
		return true;
	}
	return false;
}

static void look_at_challenges(struct known *k, struct record *r, struct arena *a)
{
	const struct challenge_query all = {.limit = ASK_RUNS};
	struct recorded_challenge *items, x;
	struct err e = {0};
	uint64_t seed;
	size_t n;

	if (record_challenges_of(r, a, &all, &items, &n, &e) != 0) {
		violation(k, e.message, 0);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (record_challenge(r, a, items[i].id, &x, &e) != 0 ||
		    !is_whole_challenge(a, &x.challenged, &seed))
			violation(k, "a challenge is half there, or changed", items[i].id);
		else if (!knows_challenge(k, seed))
			violation(k, "there is a challenge nobody made", items[i].id);
	}
	if (n != k->n_challenges)
		violation(k, "acknowledged challenges are lost", (int64_t)(k->n_challenges - n));
}

static void look_at_ledger(struct known *k, struct record *r, struct arena *a)
{
	const struct ledger_trust trust = {.keys = NULL};
	struct ledger_verification v;
	struct err e = {0};

	if (ledger_verify(r, a, &trust, &v, &e) != 0) {
		violation(k, e.message, 0);
		return;
	}
	for (size_t i = 0; i < v.n_findings; i++)
		if (v.findings[i].grade != LEDGER_NOTE)
			violation(k, v.findings[i].text, 0);
	if (v.n_checkpoints < k->n_notes || v.n_checkpoints > k->n_notes + n_open_of(k, SIGNS))
		violation(k, "checkpoints there", (int64_t)v.n_checkpoints);
	k->n_notes = v.n_checkpoints;
}

static void look_at_file(struct known *k, const char *path)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		violation(k, sqlite3_errmsg(db), 0);
	else if (strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0)
		violation(k, (const char *)sqlite3_column_text(s, 0), 0);
	(void)sqlite3_finalize(s); /* only read from */
	(void)sqlite3_close(db);   /* no statement is left */
}

static void look(struct known *k, const char *path, struct totals *t)
{
	struct arena *a = arena_new();
	struct err e = {0};
	struct record *r;

	look_at_file(k, path);
	if (record_open(path, RECORD_WRITE, &r, &e) != 0) {
		violation(k, e.message, 0);
	} else {
		look_at_ledger(k, r, a);
		look_at_runs(k, r, a, t);
		look_at_challenges(k, r, a);
		record_close(r);
	}
	arena_free(a);
}

/* ---- seeds ---- */

static void copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out;
	char block[65536];
	size_t n;

	(void)unlink(to); /* may not be there */
	if (in == NULL)
		return;
	out = need(fopen(to, "wb"));
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		if (fwrite(block, 1, n, out) != n)
			die("could not copy");
	(void)fclose(in); /* only read from */
	if (fclose(out) != 0)
		die("could not copy");
}

struct paths {
	char record[N_PATH], journal[N_PATH + 16], key[N_PATH];
	char copy[N_PATH], copy_journal[N_PATH + 16];
};

static void one_life(struct known *k, const struct paths *p, bool is_liar, struct totals *t)
{
	int ends[2], status;
	pid_t pid;

	if (pipe(ends) != 0)
		die("no pipe");
	(void)fflush(stdout); /* told at the end */
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]); /* the other side's */
		pipe_fd = ends[1];
		live(p->record, p->key, k->seed * LIVES + (uint64_t)k->life, is_liar);
	}
	(void)close(ends[1]); /* the other side's */
	listen(k, ends[0], t);
	(void)close(ends[0]); /* only read from */
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != CRASH_STATUS)
		violation(k, "a life ended by itself", status);
	t->n_crashes++;
	copy(p->record, p->copy);
	copy(p->journal, p->copy_journal);
	look(k, p->copy, t);
}

static void make_record(const struct paths *p)
{
	struct ledger_new_key new = {.name = "power.example", .at_ms = 1, .host = "h", .user = "u"};
	struct arena *a = arena_new();
	struct sign_key *key;
	struct record *r;
	struct err e = {0};

	if (record_open(p->record, RECORD_WRITE, &r, &e) != 0 ||
	    sign_key_load(p->key, &key, &e) != 0)
		die(e.message);
	new.key = key;
	if (ledger_add_key(r, a, &new, &e) != 0)
		die(e.message);
	sign_key_free(key);
	record_close(r);
	arena_free(a);
}

static void one_seed(uint64_t seed, const struct paths *p, bool is_liar, struct totals *t)
{
	static struct known k;

	k = (struct known){.arena = arena_new(), .seed = seed};
	(void)unlink(p->record);  /* of the seed before */
	(void)unlink(p->journal); /* the same */
	make_record(p);
	for (k.life = 0; k.life < LIVES && k.n_violations == 0; k.life++)
		one_life(&k, p, is_liar, t);
	t->n_violations += k.n_violations;
	arena_free(k.arena);
}

int main(int argc, char **argv)
{
	bool is_liar = argc == 5 && strcmp(argv[4], "--liar") == 0;
	struct totals t = {.n_results = 0};
	struct err e = {0};
	struct paths p;
	uint64_t n_seeds, first;

	if (argc != 4 && !is_liar)
		die("usage: power DIR SEEDS FIRST-SEED [--liar]");
	n_seeds = (uint64_t)atoll(argv[2]);
	first = (uint64_t)atoll(argv[3]);
	(void)snprintf(p.record, sizeof(p.record), "%s/record.db", argv[1]);
	(void)snprintf(p.copy, sizeof(p.copy), "%s/copy.db", argv[1]);
	(void)snprintf(p.key, sizeof(p.key), "%s/ledger.key", argv[1]);
	(void)snprintf(p.journal, sizeof(p.journal), "%s-journal", p.record);
	(void)snprintf(p.copy_journal, sizeof(p.copy_journal), "%s-journal", p.copy);
	if (sign_key_make(p.key, &e) != 0)
		die(e.message);
	for (uint64_t seed = first; seed < first + n_seeds; seed++)
		one_seed(seed, &p, is_liar, &t);
	(void)printf("%" PRIu64 " seeds, %" PRIu64 " losses of power, %" PRIu64
		     " results acknowledged; batches under way: %" PRIu64 " were there, %" PRIu64
		     " were not; %" PRIu64 " violations\n",
		     n_seeds, t.n_crashes, t.n_results, t.n_kept, t.n_lost, t.n_violations);
	return t.n_violations == 0 ? 0 : 1;
}
