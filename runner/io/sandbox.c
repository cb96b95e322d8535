/*
 * sandbox: the plan. What this kernel and this user can apply is looked up before anything starts,
 * so that what is told is what is done.
 */
#include "runner/io/sandbox.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/sandbox_parts.h"

#define PASSWD_BYTES 16384

static int find_user(struct arena *a, const char *name, struct sandbox_plan *out, struct err *e)
{
	char *text = arena_alloc(a, PASSWD_BYTES);
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, text, PASSWD_BYTES, &found) != 0 || !found)
		return err_set(e, ERR_MEASURE, "could not find the user \"%s\"", name);
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	return 0;
}

static void miss(struct buf *out, const char *what)
{
	(void)buf_printf(out, "%s%s", out->len > 0 ? "; " : "", what); /* unbounded */
}

/* Root becomes somebody; everybody else can only stay who he is. */
static int plan_user(struct arena *a, const struct sandbox *s, struct sandbox_plan *out,
		     struct buf *missing, struct err *e)
{
	const char *name = s->user ? s->user : "nobody";

	if (geteuid() != 0 && !s->user)
		return 0;
	if (find_user(a, name, out, e) < 0)
		return -1;
	out->has_user = geteuid() == 0 && out->uid != 0;
	if (geteuid() != 0 && out->uid != geteuid())
		miss(missing, arena_printf(a, "only root can become the user \"%s\"", name));
	if (geteuid() == 0 && out->uid == 0 && s->processes > 0)
		miss(missing, "the number of processes cannot be limited for root");
	return 0;
}

static void plan_landlock(struct arena *a, const struct sandbox *s, struct sandbox_plan *out,
			  struct buf *missing)
{
	int abi = landlock_version();
	struct utsname kernel = {0};

	(void)uname(&kernel); /* fails only for a bad address */
	out->abi = abi;
	out->has_ports = s->network == SANDBOX_TCP && abi >= LANDLOCK_PORTS_ABI;
	if (abi < LANDLOCK_FILES_ABI)
		miss(missing,
		     arena_printf(a,
				  "files cannot be kept from it: kernel %s offers Landlock "
				  "ABI %d, needed is %d",
				  kernel.release, abi, LANDLOCK_FILES_ABI));
	if (s->network == SANDBOX_TCP && !out->has_ports)
		miss(missing,
		     arena_printf(a,
				  "TCP ports cannot be told apart: kernel %s offers Landlock "
				  "ABI %d, needed is %d",
				  kernel.release, abi, LANDLOCK_PORTS_ABI));
	out->has_seccomp = seccomp_is_possible();
	if (!out->has_seccomp)
		miss(missing, arena_printf(a,
					   "system calls, sockets among them, cannot be refused: "
					   "there is no seccomp filter for kernel %s on %s",
					   kernel.release, kernel.machine));
}

static void put_paths(struct buf *b, const char *verb, const char *const *paths, size_t n)
{
	(void)buf_printf(b, ", %s", verb); /* unbounded, like all of the line */
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(b, " %s", paths[i]);
}

static void put_network(struct buf *b, const struct sandbox *s, const struct sandbox_plan *p)
{
	if (s->network == SANDBOX_ANY || !p->has_seccomp)
		return;
	switch (s->network) {
	case SANDBOX_NONE:
		(void)buf_puts(b, ", no network");
		break;
	case SANDBOX_LOOPBACK:
		(void)buf_puts(b, ", a loopback of its own");
		break;
	case SANDBOX_TCP:
		(void)buf_puts(b, ", TCP only");
		for (uint32_t i = 0; p->has_ports && i < p->n_ports; i++)
			(void)buf_printf(b, "%s%u", i == 0 ? " to " : " ", p->ports[i]);
		break;
	case SANDBOX_ANY:
		break;
	}
	if (p->has_local)
		(void)buf_puts(b, ", unix sockets");
}

static void put_limits(struct buf *b, const struct sandbox *s)
{
	char text[NUM_REAL_MAX];

	if (s->memory_bytes > 0) {
		(void)num_format_size(s->memory_bytes, text);
		(void)buf_printf(b, ", memory %s", text);
	}
	if (s->processes > 0)
		(void)buf_printf(b, ", processes %" PRId64, s->processes);
	if (s->cpu_ms > 0) {
		(void)num_format_duration(s->cpu_ms, text);
		(void)buf_printf(b, ", cpu %s", text);
	}
	if (s->open_files > 0)
		(void)buf_printf(b, ", open files %" PRId64, s->open_files);
	if (s->file_bytes > 0) {
		(void)num_format_size(s->file_bytes, text);
		(void)buf_printf(b, ", files of %s", text);
	}
}

static const char *tell(struct arena *a, const struct sandbox *s, const struct sandbox_plan *p)
{
	struct buf b;
	const char *line;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_puts(&b, "no new privileges");
	if (p->has_user)
		(void)buf_printf(&b, ", user %s (%u)", s->user ? s->user : "nobody", p->uid);
	if (p->abi > 0) {
		(void)buf_printf(&b, ", Landlock ABI %d", (int)p->abi);
		if (p->has_read)
			put_paths(&b, "reads system", s->read, s->n_read);
		put_paths(&b, s->n_write > 0 ? "writes" : "writes nothing", s->write, s->n_write);
	}
	if (p->has_seccomp)
		(void)buf_puts(&b, ", seccomp");
	put_network(&b, s, p);
	put_limits(&b, s);
	if (p->abi < LANDLOCK_SCOPE_ABI)
		(void)buf_puts(&b, ", not kept from signalling other processes of its user");
	line = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return line;
}

int sandbox_plan(struct arena *a, const struct sandbox *s, struct sandbox_plan *out,
		 const char **told, const char **missing, struct err *e)
{
	struct sandbox_plan p = {
		.has_read = s->read != NULL,
		.has_local = s->has_local,
		.network = s->network,
		.n_read = (uint32_t)s->n_read,
		.n_write = (uint32_t)s->n_write,
		.n_ports = (uint32_t)s->n_ports,
		.memory_bytes = s->memory_bytes,
		.processes = s->processes,
		.cpu_ms = s->cpu_ms,
		.open_files = s->open_files,
		.file_bytes = s->file_bytes,
	};
	struct buf lacks;
	int rc;

	memcpy(p.ports, s->ports, sizeof(p.ports));
	buf_init(&lacks, BUF_UNBOUNDED); /* a few sentences */
	plan_landlock(a, s, &p, &lacks);
	rc = plan_user(a, s, &p, &lacks, e);
	*missing = lacks.len > 0 ? arena_strndup(a, lacks.data, lacks.len) : NULL;
	buf_release(&lacks);
	if (rc < 0)
		return -1;
	if (*missing && s->is_required) {
		(void)err_set(e, ERR_MEASURE, "the sandbox is required: %s", *missing);
		return err_help(e, "with require: false it runs with what there is");
	}
	*told = tell(a, s, &p);
	*out = p;
	return 0;
}

const char *sandbox_step_words(enum sandbox_step step)
{
	switch (step) {
	case SANDBOX_STEP_PATH:
		return "a path it may use";
	case SANDBOX_STEP_LANDLOCK:
		return "its files (Landlock)";
	case SANDBOX_STEP_NETWORK:
		return "a network of its own";
	case SANDBOX_STEP_LIMIT:
		return "its limits";
	case SANDBOX_STEP_USER:
		return "its user";
	case SANDBOX_STEP_SECCOMP:
		return "its system calls (seccomp)";
	}
	return "";
}
