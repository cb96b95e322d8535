/* The machine: its clock, the libraries in use, what programs can be kept from. */
#include "runner/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/base/num.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/db.h"
#include "runner/io/digest.h"
#include "runner/io/git.h"
#include "runner/io/http.h"
#include "runner/io/sandbox.h"
#include "runner/model/definition.h"
#include "runner/model/pattern.h"

#define MAX_ERROR_US  1000000 /* of a clock that is to tell whether evidence is fresh */
#define MAX_BEHIND_MS 2000
#define MAX_APART_MS  60000
#define MAX_SLIP_MS   5000 /* of two clocks of one machine, read one after the other */
#define LEAST_FILES   256  /* 64 threads, connections, and what the libraries open */

static const char set_right[] = "set it right, and keep it so: chrony or systemd-timesyncd";

static const char *duration(const struct doctor *d, int64_t ms)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(ms < 0 ? -ms : ms, text); /* its length */
	return arena_strdup(d->arena, text);
}

/* ---- the clock ---- */

void doctor_look_clock(struct doctor *d)
{
	struct clock_state state;

	if (clock_ask(&state) != 0)
		doctor_find(d, DOCTOR_DOUBT, NULL, NULL,
			    "the kernel does not say how good it is: %s", strerror(errno));
	else if (!state.is_synchronised)
		doctor_find(d, DOCTOR_DOUBT, NULL, set_right,
			    "nothing keeps it right: ages and expiry dates are what it says");
	else if (state.max_error_us > MAX_ERROR_US)
		doctor_find(d, DOCTOR_DOUBT, NULL, set_right, "it may be wrong by %s",
			    duration(d, state.max_error_us / 1000));
	else if (state.is_leap)
		doctor_find(d, DOCTOR_NOTE, NULL, NULL, "a leap second is at hand");
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "synchronised, to within %s",
			    duration(d, state.max_error_us / 1000 + 1));
}

void doctor_look_past(struct doctor *d)
{
	struct err e = {0};
	int64_t newest_ms;

	if (d->record == NULL || record_newest_ms(d->record, 0, &newest_ms, &e) != 0 ||
	    newest_ms < 0) /* the row "runs" tells why */
		return;
	if (newest_ms - d->now_ms > MAX_BEHIND_MS)
		doctor_find(d, DOCTOR_BROKEN, NULL, set_right,
			    "it is %s behind the newest record: evidence would be from the future",
			    duration(d, newest_ms - d->now_ms));
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "it is not behind the newest record");
}

/* The newest run of this boot: the wall clock must have gone as far as the one nobody can set. */
static void look_since_run(struct doctor *d, const char *boot_id)
{
	struct run_info *runs;
	struct err e = {0};
	int64_t slip;
	size_t n = 0;

	if (d->record == NULL || record_runs(d->record, d->arena, 0, 1, &runs, &n, &e) != 0 ||
	    n == 0 || strcmp(runs[0].boot_id, boot_id) != 0 || runs[0].begin_monotonic_ms <= 0)
		return;
	slip = (clock_monotonic_ms(&d->app->clock) - runs[0].begin_monotonic_ms) -
	       (clock_wall_ms(&d->app->clock) - runs[0].begin_ms);
	if (slip > MAX_SLIP_MS)
		doctor_find(d, DOCTOR_DOUBT, NULL, set_right,
			    "the clock was set back by %s since run %" PRId64, duration(d, slip),
			    runs[0].id);
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL,
			    "the clock was not set back since run %" PRId64, runs[0].id);
}

void doctor_look_boot(struct doctor *d)
{
	const char *boot_id = identity_boot(d->arena);
	int64_t before = clock_monotonic_us(&d->app->clock), after;

	do
		after = clock_monotonic_us(&d->app->clock);
	while (after == before);
	if (after < before)
		doctor_find(d, DOCTOR_BROKEN, NULL, "nothing can be timed on this machine",
			    "the monotonic clock goes back");
	else if (boot_id[0] == '\0')
		doctor_find(d, DOCTOR_NOTE, NULL, "mount /proc",
			    "the boot has no id: a clock that was set back cannot be told");
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "boot %.8s, the monotonic clock goes forward",
			    boot_id);
	if (boot_id[0] != '\0')
		look_since_run(d, boot_id);
}

void doctor_look_dates(struct doctor *d)
{
	for (size_t i = 0; i < d->n_dates; i++) {
		int64_t apart = d->dates[i].ours_ms - d->dates[i].said_ms;

		if (apart > MAX_APART_MS || apart < -MAX_APART_MS)
			doctor_find(d, DOCTOR_DOUBT, d->dates[i].who, set_right,
				    "ours is %s %s its clock", duration(d, apart),
				    apart > 0 ? "ahead of" : "behind");
		else
			doctor_find(d, DOCTOR_OK, d->dates[i].who, NULL,
				    "its clock and ours agree");
	}
}

/* ---- libraries ---- */

/* "3.40.1" against "3.46.0": below, number by number. */
static bool is_older(const char *a, const char *b)
{
	for (;;) {
		size_t n_a = strspn(a, "0123456789"), n_b = strspn(b, "0123456789");
		int64_t left = 0, right = 0;

		if (n_a == 0 || n_b == 0 || num_parse_int(a, n_a, &left) != 0 ||
		    num_parse_int(b, n_b, &right) != 0)
			return false;
		if (left != right)
			return left < right;
		if (a[n_a] != '.' || b[n_b] != '.')
			return false;
		a += n_a + 1;
		b += n_b + 1;
	}
}

static bool is_other_major(const char *a, const char *b)
{
	size_t n = strcspn(a, "."), m = strcspn(b, ".");

	return n != m || strncmp(a, b, n) != 0;
}

static void tell_library(struct doctor *d, const char *name, const struct library_version *v)
{
	const char *more = v->more != NULL ? arena_printf(d->arena, ", %s", v->more) : "";

	if (v->built != NULL &&
	    (is_older(v->in_use, v->built) || is_other_major(v->in_use, v->built)))
		doctor_find(d, DOCTOR_NOTE, name, "build assize where it runs",
			    "%s is in use, assize was built with %s%s", v->in_use, v->built, more);
	else
		doctor_find(d, DOCTOR_OK, name, NULL, "%s%s", v->in_use, more);
}

/* One that is loaded when it is needed: that it is missing matters to what needs it. */
static void tell_missing(struct doctor *d, const char *name, unsigned targets, const struct err *e)
{
	bool is_needed = false;

	for (size_t i = 0; d->definition != NULL && i < d->definition->n_targets; i++)
		is_needed =
			is_needed || (TARGET_BIT(d->definition->targets[i]->type) & targets) != 0;
	doctor_find(d, is_needed ? DOCTOR_DOUBT : DOCTOR_NOTE, name,
		    e->help[0] != '\0' ? arena_strdup(d->arena, e->help) : NULL, "%s%s",
		    arena_strdup(d->arena, e->message),
		    is_needed ? ", and the definition has targets that need it" : "");
}

static void look_at_sqlite(struct doctor *d)
{
	struct library_version v;
	bool is_thread_safe;

	record_library(d->arena, &v, &is_thread_safe);
	if (!is_thread_safe)
		doctor_find(d, DOCTOR_BROKEN, "SQLite", "use one built with SQLITE_THREADSAFE",
			    "%s may not be used by threads, and assize does", v.in_use);
	else
		tell_library(d, "SQLite", &v);
}

static void look_at_engines(struct doctor *d)
{
	static const struct {
		enum db_engine engine;
		unsigned targets;
		const char *name;
	} engines[] = {
		{DB_POSTGRES, TARGET_BIT(TARGET_POSTGRES), "libpq"},
		{DB_MYSQL, TARGET_BIT(TARGET_MYSQL), "libmariadb"},
		{DB_ODBC, TARGET_BIT(TARGET_ODBC), "unixODBC"},
	};

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct library_version v = {.in_use = ""};
		struct err e = {0};

		if (db_version(engines[i].engine, d->arena, &v, &e) == 0)
			tell_library(d, engines[i].name, &v);
		else
			tell_missing(d, engines[i].name, engines[i].targets, &e);
	}
}

void doctor_look_libraries(struct doctor *d)
{
	struct library_version v = {.in_use = ""};
	struct err e = {0};

	look_at_sqlite(d);
	digest_version(&v);
	tell_library(d, "OpenSSL", &v);
	pattern_version(d->arena, &v);
	tell_library(d, "PCRE2", &v);
	if (http_version(d->arena, &v, &e) == 0)
		tell_library(d, "libcurl", &v);
	else
		tell_missing(d, "libcurl", TARGET_BIT(TARGET_HTTP) | TARGET_BIT(TARGET_PROMETHEUS),
			     &e);
	e = (struct err){0};
	if (git_door_version(d->arena, &v, &e) == 0)
		tell_library(d, "libgit2", &v);
	else
		tell_missing(d, "libgit2", TARGET_BIT(TARGET_GIT), &e);
	look_at_engines(d);
}

/* ---- programs ---- */

void doctor_look_sandbox(struct doctor *d)
{
	struct sandbox_ability can;

	sandbox_ask(&can);
	if (can.has_ports_abi)
		doctor_find(d, DOCTOR_OK, "Landlock", NULL, "ABI %d", can.abi);
	else
		doctor_find(d, DOCTOR_NOTE, "Landlock",
			    "Linux 6.7 or later, with Landlock switched on",
			    "ABI %d: programs cannot be kept from %s", can.abi,
			    can.has_files_abi ? "TCP ports" : "files and TCP ports");
	if (can.has_seccomp)
		doctor_find(d, DOCTOR_OK, "seccomp", NULL, "system calls can be refused");
	else
		doctor_find(d, DOCTOR_NOTE, "seccomp", NULL,
			    "none for this kernel and processor: system calls cannot be refused");
	if (can.has_namespaces)
		doctor_find(d, DOCTOR_OK, "namespaces", NULL,
			    "a program can have a network of its own");
	else
		doctor_find(
			d, DOCTOR_NOTE, "namespaces",
			"sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
			"kernel.apparmor_restrict_unprivileged_userns",
			"refused: no program can have a network of its own (network: loopback)");
}

void doctor_look_limits(struct doctor *d)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	if (files.rlim_cur < LEAST_FILES)
		doctor_find(d, DOCTOR_NOTE, "open files", "ulimit -n 1024",
			    "%llu, less than many checks at once may need",
			    (unsigned long long)files.rlim_cur);
	else
		doctor_find(d, DOCTOR_OK, "open files", NULL, "%llu",
			    (unsigned long long)files.rlim_cur);
}
