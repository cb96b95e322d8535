/*
 * The overlap lock of a schedule is a row that says who holds it. A record lies on a local file
 * system, so a holder with another boot id is one this machine has forgotten; a process is known by
 * its id and its start time, because ids come round again. A holder in another process id space (a
 * container) cannot be looked at: it lives for as long as the kernel has its lock (lock_byte.c).
 *
 * A shared record is held from other machines, too. There the machine's id and the time stand
 * behind the boot id: a machine of another name or id cannot be looked at either. Whoever cannot be
 * is taken to be gone when he has held the lock for a day, longer than a schedule's run lasts, or a
 * notice for an hour: to be sent twice is better than never.
 *
 * Locks come and go and are no history: ledger_working.c seals them.
 *
 * /proc is Linux; so is the runner's process handling.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/history/shared.h"
#include "runner/history/store.h"
#include "runner/io/file.h"

#define HOUR_MS INT64_C(3600000)

struct holder {
	const char *host, *boot_id, *pid_space;
	int64_t pid, start_ticks;
	/* in a shared record */
	const char *machine; /* NULL = it is a file: this machine */
	int64_t taken_ms;
};

/* A file of /proc without its last newline; NULL when it cannot be read. */
static const char *read_proc(struct arena *a, const char *path)
{
	const char *text = NULL;
	struct buf b;

	buf_init(&b, 65536);
	if (file_read(path, &b, NULL) == 0)
		text = arena_strndup(a, b.data, strcspn(b.data, "\n"));
	buf_release(&b);
	return text;
}

/* Field 22 of /proc/PID/stat, counted from the last ')': a name may hold anything. -1 = no such. */
static int64_t start_ticks(struct arena *a, int64_t pid)
{
	const char *stat = read_proc(a, arena_printf(a, "/proc/%" PRId64 "/stat", pid));
	const char *at = stat != NULL ? strrchr(stat, ')') : NULL;
	int64_t ticks;

	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	if (at == NULL || num_parse_int(at + 1, strcspn(at + 1, " "), &ticks) != 0)
		return -1;
	return ticks;
}

static void write_machine(struct record *r, struct arena *a, struct holder *self)
{
	const char *id = read_proc(a, "/etc/machine-id");

	self->machine = id != NULL && id[0] != '\0' ? id : "-";
	self->taken_ms = clock_wall_ms(&r->shared->clock);
}

static void look_at_self(struct record *r, struct arena *a, struct holder *out)
{
	char host[256] = "", space[64] = "";
	const char *boot_id = read_proc(a, "/proc/sys/kernel/random/boot_id");

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0'; /* a lock without a name still holds */
	if (readlink("/proc/self/ns/pid", space, sizeof(space) - 1) < 0)
		space[0] = '\0'; /* same */
	*out = (struct holder){
		.host = arena_strdup(a, host),
		.boot_id = boot_id != NULL ? boot_id : "",
		.pid_space = arena_strdup(a, space),
		.pid = getpid(),
		.start_ticks = start_ticks(a, getpid()),
	};
	if (r->shared != NULL)
		write_machine(r, a, out);
}

/* "BOOT MACHINE TIME" stands in place of the boot id. */
static void read_machine(struct arena *a, struct holder *h)
{
	const char *machine = strchr(h->boot_id, ' ');
	const char *taken = machine != NULL ? strchr(machine + 1, ' ') : NULL;

	h->machine = "-";
	if (taken == NULL || num_parse_int(taken + 1, strlen(taken + 1), &h->taken_ms) != 0)
		return;
	h->machine = arena_strndup(a, machine + 1, (size_t)(taken - machine - 1));
	h->boot_id = arena_strndup(a, h->boot_id, (size_t)(machine - h->boot_id));
}

static bool is_elsewhere(const struct holder *h, const struct holder *self)
{
	if (self->machine == NULL || strcmp(h->boot_id, self->boot_id) == 0)
		return false;
	return strcmp(h->host, self->host) != 0 || strcmp(h->machine, self->machine) != 0 ||
	       strcmp(h->machine, "-") == 0;
}

/* Of one that cannot be looked at, in a shared record. */
static const char *absence_of(const char *name, const struct holder *h, const struct holder *self)
{
	bool is_notice = str_starts(name, "notice/");

	if (self->taken_ms - h->taken_ms <= (is_notice ? 1 : 24) * HOUR_MS)
		return NULL;
	return is_notice ? "it has for more than an hour, where it cannot be seen from here"
			 : "it has for more than a day, where it cannot be seen from here";
}

/* Why the holder is known to be gone; NULL = it lives, or cannot be looked at. */
static const char *death_of(struct record *r, const char *name, struct arena *a,
			    const struct holder *h, const struct holder *self)
{
	bool is_hidden = strcmp(h->pid_space, self->pid_space) != 0;
	bool is_alive;

	if (is_elsewhere(h, self) || (is_hidden && self->machine != NULL))
		return absence_of(name, h, self);
	if (strcmp(h->boot_id, self->boot_id) != 0)
		return "the machine has been started anew since";
	if (is_hidden)
		is_alive = lock_byte_is_held(r, name);
	else
		is_alive = start_ticks(a, h->pid) == h->start_ticks;
	return is_alive ? NULL : "it has ended without letting go";
}

/* 1 = somebody holds it. */
static int read_holder(struct record *r, struct arena *a, const char *name, struct holder *out,
		       struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "SELECT host, boot_id, pid_space, pid, start_ticks FROM locks WHERE name = ?1",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc;
	*out = (struct holder){
		.host = store_text_or(s, 0, a, ""),
		.boot_id = store_text_or(s, 1, a, ""),
		.pid_space = store_text_or(s, 2, a, ""),
		.pid = sqlite3_column_int64(s, 3),
		.start_ticks = sqlite3_column_int64(s, 4),
	};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (r->shared != NULL)
		read_machine(a, out);
	return 1;
}

static int write_holder(struct record *r, struct arena *a, const char *name, const struct holder *h,
			struct err *e)
{
	const char *boot_id = h->machine == NULL ? h->boot_id
						 : arena_printf(a, "%s %s %" PRId64, h->boot_id,
								h->machine, h->taken_ms);
	sqlite3_stmt *s = store_sql(r, "REPLACE INTO locks VALUES (?1, ?2, ?3, ?4, ?5, ?6)", e);

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	store_bind_text(s, 2, h->host);
	store_bind_text(s, 3, boot_id);
	store_bind_text(s, 4, h->pid_space);
	store_bind_int(s, 5, h->pid);
	store_bind_int(s, 6, h->start_ticks);
	store_work(r);
	return store_run(r, s, e);
}

int lock_take(struct record *r, const char *name, struct arena *a, bool *is_held, const char **said,
	      struct err *e)
{
	struct holder self, other = {.pid = 0};
	const char *death;
	bool is_busy = false;
	int rc = read_holder(r, a, name, &other, e);

	if (rc < 0)
		return -1;
	look_at_self(r, a, &self);
	death = rc == 1 ? death_of(r, name, a, &other, &self) : NULL;
	if (rc == 1 && death == NULL) {
		const char *where = is_elsewhere(&other, &self) ? ", which cannot be seen from here"
				    : strcmp(other.pid_space, self.pid_space) != 0
					    ? ", in a container that cannot be seen from here"
					    : "";

		*is_held = true;
		*said = arena_printf(a, "process %" PRId64 " on %s%s", other.pid, other.host,
				     where);
		return 0;
	}
	if (rc == 1)
		*said = arena_printf(a, "process %" PRId64 " on %s held it; %s", other.pid,
				     other.host, death);
	/* What the kernel of one machine knows says nothing of a record of many. */
	if (r->shared == NULL && lock_byte_take(r, name, &is_busy, e) != 0)
		return -1;
	if (is_busy) {
		*is_held = true;
		*said = "a process that is about to let go of it";
		return 0;
	}
	return write_holder(r, a, name, &self, e);
}

int record_lock(struct record *r, const char *name, struct arena *a, const char **holder,
		struct err *e)
{
	bool is_held = false;
	const char *said = NULL;

	if (store_enter(r, STORE_WRITING, e) != 0 ||
	    store_leave(r, lock_take(r, name, a, &is_held, &said, e), e) != 0)
		return -1;
	*holder = said;
	return is_held ? 1 : 0;
}

int lock_let_go(struct record *r, const char *name, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "DELETE FROM locks WHERE name = ?1 AND pid = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	store_bind_int(s, 2, getpid());
	store_work(r);
	if (store_run(r, s, e) != 0)
		return -1;
	if (r->shared == NULL)
		lock_byte_let_go(r, name);
	return 0;
}

int lock_death(struct record *r, struct arena *a, const char *name, const char **why, struct err *e)
{
	struct holder self, other = {.pid = 0};
	int rc = read_holder(r, a, name, &other, e);

	*why = NULL;
	if (rc != 1)
		return rc;
	look_at_self(r, a, &self);
	*why = death_of(r, name, a, &other, &self);
	return 0;
}

int record_unlock(struct record *r, const char *name, struct err *e)
{
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, lock_let_go(r, name, e), e);
}
