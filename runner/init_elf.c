/*
 * Programs and libraries: what the linker made of them. What is as it should be becomes a bound;
 * what is weak is named in a comment and on the terminal, and bounded only against getting worse.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/elf_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init_artifact.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_LIBRARIES 100

static int look(struct artifact *t, void **state, struct err *e)
{
	struct elf_facts *f = arena_alloc(t->arena, sizeof(*f));
	struct err why = {0};
	struct stat st;
	int fd, rc;

	*state = f;
	if (t->n_head < 4 || memcmp(t->head, "\177ELF", 4) != 0)
		return 0;
	fd = file_open(t->absolute, &st, e);
	if (fd < 0)
		return -1;
	rc = elf_read(t->arena, fd, st.st_size, f, &why);
	(void)close(fd); /* only read from */
	if (rc != 0) {	 /* debugging information kept apart is damaged as a program */
		init_note(t->subject, "%s: not read as a program: %s", t->subject->given,
			  why.message);
		return 0;
	}
	/* Objects, core dumps, debugging information: nothing of them is ever loaded. */
	return f->n_loads > 0 && (f->is_dynamic || strcmp(f->type, "executable") == 0);
}

static void put_draft(const struct artifact *t, const void *state, struct buf *out)
{
	static const char *const texts[] = {"relro",   "type",	"machine", "rpath",
					    "runpath", "glibc", "build_id"};

	(void)state; /* the kind measures it all again */
	(void)buf_puts(out, "elf: ");
	init_put_text(out, t->absolute);
	(void)buf_puts(out, ", expect: { nx: \">= 0\", write_execute: \">= 0\", pie: \">= 0\", "
			    "stripped: \">= 0\", needed: \">= 0\"");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		(void)buf_printf(out, ", %s: \"matches /^/\"", texts[i]);
	(void)buf_puts(out, " }");
}

static const char *text_of(const struct artifact *t, const char *series)
{
	const struct result *r = artifact_value(t, "elf", series, NULL);

	return r && r->value.type == VALUE_TEXT ? r->value.text : "";
}

/* -1 when it has no such value. */
static int64_t number_of(const struct artifact *t, const char *series)
{
	const struct result *r = artifact_value(t, "elf", series, NULL);

	return r && r->value.type == VALUE_INT ? r->value.integer : -1;
}

static void put_equal(struct init_writer *w, const char *value, const char *text)
{
	(void)buf_printf(w->out, "          %s: ", value);
	init_put_equal(w->out, text);
	(void)buf_putc(w->out, '\n');
}

/* A line of the definition with what is wrong behind it, and the same on the terminal. */
static void put_weak(struct init_writer *w, struct artifact *t, const char *line, const char *what)
{
	(void)buf_printf(w->out, "          %s # weak: %s\n", line, what);
	init_note(t->subject, "%s: weak: %s", t->subject->given, what);
}

static void put_hardening(struct init_writer *w, struct artifact *t)
{
	const char *relro = text_of(t, "relro");
	int64_t n = number_of(t, "write_execute");

	if (number_of(t, "pie") == 1)
		(void)buf_puts(w->out, "          pie: \"== 1\"\n");
	else if (number_of(t, "pie") == 0)
		put_weak(w, t, "# pie: \"== 1\"",
			 "it is not position independent (-fPIE -pie), so its addresses are known");
	if (strcmp(relro, "full") == 0)
		put_equal(w, "relro", relro);
	else if (strcmp(relro, "partial") == 0)
		put_weak(w, t, "relro: 'in [\"partial\", \"full\"]'",
			 "its relocation tables stay writable (-Wl,-z,relro,-z,now)");
	else if (strcmp(relro, "none") == 0)
		put_weak(w, t, "# relro: '== \"full\"'",
			 "its relocation tables are not protected (-Wl,-z,relro,-z,now)");
	if (number_of(t, "nx") == 0)
		put_weak(w, t, "nx: \">= 0\"", "its stack is executable (-Wl,-z,noexecstack)");
	if (n > 0)
		put_weak(w, t, arena_printf(w->arena, "write_execute: \"<= %lld\"", (long long)n),
			 "segments of it are writable and executable");
	if (number_of(t, "stripped") == 1)
		(void)buf_puts(w->out, "          stripped: \"== 1\"\n");
	if (*text_of(t, "build_id"))
		(void)buf_puts(w->out, "          build_id: \"matches /^[0-9a-f]{16,}$/\"\n");
}

static void put_paths(struct init_writer *w, struct artifact *t)
{
	static const char *const names[] = {"rpath", "runpath"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path = text_of(t, names[i]);
		struct buf line;

		if (!*path) {
			put_equal(w, names[i], path);
			continue;
		}
		buf_init(&line, BUF_UNBOUNDED); /* as long as the file allows */
		(void)buf_printf(&line, "%s: ", names[i]);
		init_put_equal(&line, path);
		if (str_starts(path, "$ORIGIN"))
			(void)buf_printf(w->out, "          %s\n", line.data);
		else
			put_weak(w, t, line.data, "it looks for libraries where it was built to");
		buf_release(&line);
	}
}

/* Can a glob stand for just this name? */
static bool is_literal(const char *name)
{
	return !strpbrk(name, "*?") && str_is_utf8(name, strlen(name));
}

static void put_libraries(struct init_writer *w, const struct artifact *t,
			  const struct elf_facts *f)
{
	const char *glibc = text_of(t, "glibc");
	const char **names = arena_array(w->arena, MAX_LIBRARIES, sizeof(*names));
	size_t n = 0;

	(void)buf_puts(w->out, "        elf:\n          path: ");
	init_put_text(w->out, t->path);
	(void)buf_putc(w->out, '\n');
	for (size_t i = 0; i < f->n_needed && n < MAX_LIBRARIES; i++)
		if (is_literal(f->needed[i]))
			names[n++] = f->needed[i];
	if (n > 0 && n == f->n_needed) {
		(void)buf_puts(w->out, "          libraries: ");
		init_put_list(w->out, names, n);
		(void)buf_puts(w->out, " # and no other\n");
	}
	if (f->n_needed > 0 && !f->glibc_mark[0] && *glibc &&
	    strspn(glibc, "0123456789.") == strlen(glibc))
		(void)buf_printf(w->out,
				 "          max_glibc: \"%s\" # it runs on no older one today\n",
				 glibc);
}

static int put(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const struct elf_facts *f = state;
	const char *reason = "";

	if (!artifact_value(t, "elf", "type", &reason) ||
	    !artifact_value(t, "elf", "machine", &reason))
		return artifact_unmeasured(t, reason, e);
	init_put_id(w, "elf", NULL, NULL);
	(void)buf_puts(w->out, " # as it was linked\n");
	put_libraries(w, t, f);
	(void)buf_puts(w->out, "        expect:\n");
	put_equal(w, "type", text_of(t, "type"));
	put_equal(w, "machine", text_of(t, "machine"));
	put_hardening(w, t);
	if (f->is_dynamic)
		put_paths(w, t);
	if (number_of(t, "needed") == 0)
		(void)buf_puts(w->out, "          needed: \"== 0\"\n");
	return 0;
}

const struct artifact_part artifact_elf = {
	.id = "elf",
	.is_of_files = true,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
