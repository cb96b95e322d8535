/*
 * elf: one program or library as it was linked: hardening, what it needs, where it looks for it.
 *
 * elf_read.c reads. What a file does not have (a build id, a search path) is an answer and an empty
 * text; what cannot be read is none, and spoils the whole check.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "audits/elf_read.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

struct elf_spec {
	const char *path, *max_glibc;
	struct texts libraries, forbidden;
};

static const struct key_row elf_keys[] = {
	{.name = "path",
	 .type = KEY_PATH,
	 .flags = KEY_REQUIRED | KEY_WORLD,
	 .offset = offsetof(struct elf_spec, path),
	 .help = "the program or library, relative to the definition",
	 .example = "dist/bin/shop"},
	{.name = "libraries",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct elf_spec, libraries),
	 .help = "libraries it may need, as its names for them; `foreign` counts all others",
	 .example = "[\"libc.so.*\", \"libm.so.*\"]"},
	{.name = "forbidden",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct elf_spec, forbidden),
	 .help = "libraries it must not need; `forbidden` counts them",
	 .example = "[\"libcrypto.so.1*\"]"},
	{.name = "max_glibc",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct elf_spec, max_glibc),
	 .help = "version of the oldest glibc it must run on; `too_new` is 1 when it needs more",
	 .example = "\"2.31\""},
	KEY_END,
};

static const struct value_row elf_values[] = {
	{.name = "nx",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 1",
	 .help = "1 when the stack is not executable; a file that says nothing has one that is"},
	{.name = "write_execute",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .help = "segments that are loaded writable and executable"},
	{.name = "foreign",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .needs_key = "libraries",
	 .help = "libraries it needs that `libraries` does not name"},
	{.name = "forbidden",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .needs_key = "forbidden",
	 .help = "libraries it needs that are forbidden"},
	{.name = "too_new",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .implied = "== 0",
	 .needs_key = "max_glibc",
	 .help = "1 when a symbol asks for a glibc newer than `max_glibc`"},
	{.name = "pie",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .help = "1 when it can be loaded anywhere (a library always can), 0 when it cannot"},
	{.name = "relro",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "full, partial or none: are its relocation tables closed before it starts?"},
	{.name = "stripped",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 1,
	 .help = "1 when neither symbols nor debugging information are left"},
	{.name = "build_id",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "hexadecimal digits, empty = none"},
	{.name = "glibc",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "newest version of glibc a symbol asks for, empty = none"},
	{.name = "rpath",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "DT_RPATH, searched before the environment's path, empty = none"},
	{.name = "runpath", .type = VALUE_TEXT, .unit = "", .help = "DT_RUNPATH, empty = none"},
	{.name = "interp",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "the program that loads it, empty = none"},
	{.name = "soname", .type = VALUE_TEXT, .unit = "", .help = "a library's name for itself"},
	{.name = "machine",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "x86-64, aarch64, arm, riscv, ..."},
	{.name = "type",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "executable, pie, shared, object or core"},
	{.name = "bits", .type = VALUE_INT, .unit = "", .help = "32 or 64"},
	{.name = "needed",
	 .type = VALUE_INT,
	 .unit = "",
	 .help = "how many libraries it needs; those it filters for and auditors count"},
	{.name = NULL},
};

static void elf_check(struct keys_context *ctx, struct check *c)
{
	const struct elf_spec *spec = c->spec;
	const char *v = spec->max_glibc;

	if (v && (v[strspn(v, "0123456789.")] || v[0] == '.' || !strchr(v, '.')))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "max_glibc"),
			       "write it quoted, as \"2.31\"",
			       "check \"%s\": \"%s\" is not a version of glibc", c->name,
			       str_escaped(ctx->arena, v));
}

static void elf_describe(struct probe *p, struct buf *out)
{
	const struct elf_spec *spec = p->checks[0]->spec;

	(void)buf_printf(out, "%s\n", spec->path); /* the definition is bounded */
}

static bool matches_any(const struct texts *globs, const char *name)
{
	for (size_t i = 0; i < globs->n; i++)
		if (str_glob(globs->items[i], name))
			return true;
	return false;
}

/* Linked by a path, a library is not the less forbidden. */
static bool is_meant(const struct texts *globs, const char *name, bool is_wanted)
{
	const char *slash = strrchr(name, '/');

	return matches_any(globs, name) || (is_wanted && slash && matches_any(globs, slash + 1));
}

/* Counts the needed libraries that do (or do not) match, and names them. */
static struct measurement count_needed(struct arena *a, const char *value,
				       const struct elf_facts *f, const struct texts *globs,
				       bool is_wanted)
{
	struct measurement m;
	struct buf names;
	int64_t n = 0;

	buf_init(&names, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < f->n_needed; i++) {
		if (globs && is_meant(globs, f->needed[i], is_wanted) != is_wanted)
			continue;
		/* Full: the names that fit are enough. */
		(void)buf_printf(&names, "%sneeds %s", n++ > 0 ? "\n" : "",
				 str_escaped(a, f->needed[i]));
	}
	m = measurement_int(value, n, "");
	m.n = (int64_t)f->n_needed;
	m.evidence = names.len > 0 ? arena_strdup(a, names.data) : NULL;
	buf_release(&names);
	return m;
}

static struct measurement measure_stack(const char *name, const struct elf_facts *f)
{
	struct measurement m = measurement_int(name, !f->is_stack_executable, "");

	if (f->n_loads == 0)
		return measurement_none(name, "nothing of it is loaded, it has no stack");
	if (!f->has_stack_note)
		m.evidence =
			"it says nothing about its stack (no PT_GNU_STACK), which is executable "
			"then";
	return m;
}

static struct measurement measure_pie(const char *name, const struct elf_facts *f)
{
	if (strcmp(f->type, "executable") == 0)
		return measurement_int(name, 0, "");
	if (strcmp(f->type, "pie") == 0 || strcmp(f->type, "shared") == 0)
		return measurement_int(name, 1, "");
	return measurement_none(name, "it is neither a program nor a library");
}

static struct measurement measure_stripped(const char *name, const struct elf_facts *f)
{
	struct measurement m = measurement_int(name, !f->has_symbols && !f->has_debug, "");

	if (f->sections_reason)
		return measurement_none(name, f->sections_reason);
	if (f->has_debug)
		m.evidence = "debugging information is left";
	else if (f->has_symbols)
		m.evidence = "the symbol table is left";
	return m;
}

static bool needs_glibc(const struct elf_facts *f)
{
	for (size_t i = 0; i < f->n_needed; i++)
		if (str_starts(f->needed[i], "libc.so.6"))
			return true;
	return f->glibc[0] || f->glibc_mark[0];
}

static struct measurement measure_glibc(struct arena *a, const char *name,
					const struct elf_spec *spec, const struct elf_facts *f)
{
	bool is_too_new = elf_version_compare(f->glibc, spec->max_glibc) > 0;
	struct measurement m = measurement_int(name, is_too_new, "");

	if (f->n_needed == 0)
		return measurement_none(name, "it needs no library, so it says nothing of glibc");
	if (!needs_glibc(f))
		return measurement_none(name, "it needs libraries, but none of them is glibc's: it "
					      "may be linked with another C library");
	if (!is_too_new && f->glibc_mark[0])
		return measurement_none(name, arena_printf(a,
							   "it asks for GLIBC_%s, which is no "
							   "number: how new that is, is not known",
							   str_escaped(a, f->glibc_mark)));
	if (is_too_new)
		m.evidence = arena_printf(a, "needs GLIBC_%s, %s is the newest allowed",
					  str_escaped(a, f->glibc), spec->max_glibc);
	return m;
}

static struct measurement measure_text(struct arena *a, const char *name, const struct elf_facts *f)
{
	static const char *const relro[] = {
		[RELRO_NONE] = "none", [RELRO_PARTIAL] = "partial", [RELRO_FULL] = "full"};
	const struct {
		const char *name, *text;
	} texts[] = {
		{"relro", relro[f->relro]}, {"build_id", f->build_id}, {"glibc", f->glibc},
		{"rpath", f->rpath},	    {"runpath", f->runpath},   {"interp", f->interp},
		{"soname", f->soname},	    {"machine", f->machine},   {"type", f->type},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(name, texts[i].name) == 0)
			return measurement_text(name, str_escaped(a, texts[i].text));
	return measurement_none(name, "it is not known");
}

static struct measurement measure(struct arena *a, const char *name, const struct elf_spec *spec,
				  const struct elf_facts *f)
{
	if (strcmp(name, "nx") == 0)
		return measure_stack(name, f);
	if (strcmp(name, "write_execute") == 0)
		return f->n_loads == 0 ? measurement_none(name, "nothing of it is loaded")
				       : measurement_int(name, f->n_write_execute, "");
	if (strcmp(name, "foreign") == 0)
		return count_needed(a, name, f, &spec->libraries, false);
	if (strcmp(name, "forbidden") == 0)
		return count_needed(a, name, f, &spec->forbidden, true);
	if (strcmp(name, "needed") == 0)
		return count_needed(a, name, f, NULL, true);
	if (strcmp(name, "too_new") == 0)
		return measure_glibc(a, name, spec, f);
	if (strcmp(name, "pie") == 0)
		return measure_pie(name, f);
	if (strcmp(name, "stripped") == 0)
		return measure_stripped(name, f);
	if (strcmp(name, "bits") == 0)
		return measurement_int(name, f->is_64 ? 64 : 32, "");
	return measure_text(a, name, f);
}

static int elf_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct elf_spec *spec = c->spec;
	struct elf_facts facts;
	struct stat st;
	int fd = file_open(spec->path, &st, e);

	if (fd < 0)
		return -1;
	int rc = elf_read(p->arena, fd, st.st_size, &facts, e);
	(void)close(fd); /* only read from */
	if (rc < 0)
		return err_context(e, "ELF file \"%s\"", spec->path);
	for (size_t i = 0; i < c->n_expects; i++) {
		struct measurement m = measure(p->arena, c->expects[i].name, spec, &facts);

		m.query = spec->path;
		probe_emit(p, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_elf = {
	.name = "elf",
	.family = "artifact",
	.summary =
		"a program or library as linked: PIE, RELRO, NX, needed libraries, glibc, build id",
	.blind =
		"It reads what the file asks of the loader, not what its code does: a program can "
		"make its stack executable later, and open libraries by name (dlopen) that no "
		"section lists. Whether the needed libraries are there, and which of them a search "
		"path finds, depends on the machine it runs on. Stack protectors, fortified calls "
		"and control flow enforcement are not looked at. Without any other expectation it "
		"asks only for a stack that is not executable and for no segment that is writable "
		"and executable.",
	.spec_size = sizeof(struct elf_spec),
	.keys = elf_keys,
	.values = elf_values,
	.scalar_key = "path",
	.check = elf_check,
	.arsenal = &arsenal_elf,
	.describe = elf_describe,
	.probe = elf_probe,
};
