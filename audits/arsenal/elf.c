/*
 * arsenal_elf: a program that was linked another way.
 *
 * A few bytes of the copy are others: a flag of a segment, an entry of the dynamic section, a name.
 * The places are found as the reader of the kind finds them, so what a loader would see is changed
 * and not only what a tool prints. What of it is claimed is said by the values that are expected.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/arsenal/artifact.h"
#include "audits/elf_internal.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

#define MAX_PATCHES 6
#define MAX_RULES   8
#define MAX_NAME    256

enum { DT_NEEDED = 1, DT_DEBUG = 21, DT_BIND_NOW = 24, DT_RUNPATH = 29, DT_FLAGS = 30 };
enum { DT_FLAGS_1 = 0x6ffffffb };
enum { ET_EXEC = 2, EM_X86_64 = 62, EM_AARCH64 = 183 };

static const struct attack_row elf_rows[] = {
	ROW_IDENTITY,
	ROW_NEIGHBOUR,
	ROW_TOUCHED,
	ROWS_OF_BYTES,
	{.name = "stack-executable", .help = "it asks for a stack that is executable"},
	{.name = "stack-unsaid", .help = "it says nothing of its stack"},
	{.name = "write-execute", .help = "a segment is writable and executable"},
	{.name = "library-renamed", .help = "it needs another library than before"},
	{.name = "library-added", .help = "it needs a library more"},
	{.name = "library-lost", .help = "it no longer needs a library"},
	{.name = "glibc-newer", .help = "a symbol asks for a glibc of the future"},
	{.name = "pie-lost", .help = "it is loaded at a fixed address"},
	{.name = "relro-lost", .help = "its relocation tables stay writable"},
	{.name = "bind-now-lost", .help = "some of its relocation tables stay writable"},
	{.name = "symbols-left", .help = "it has a table of symbols"},
	{.name = "build-id", .help = "it is of another build"},
	{.name = "search-path", .help = "it looks for libraries elsewhere"},
	{.name = "interpreter", .help = "another program loads it"},
	{.name = "soname", .help = "a library calls itself otherwise"},
	{.name = "machine", .help = "it is of another architecture"},
	{.name = "class", .help = "it says it has another width"},
	{.name = NULL},
};

/* Bytes at a place. */
struct patch {
	int64_t offset;
	size_t n;
	unsigned char bytes[MAX_NAME];
};

struct patches {
	struct patch items[MAX_PATCHES];
	size_t n;
};

/* The file as it was read. */
struct linked {
	struct scene *scene;
	struct elf elf;
	struct elf_facts facts;
};

static int elf_open_scene(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, elf_rows);

	if (scene_stage_file(s, "path", e) < 0)
		return -1;
	scene_seal(s);
	return 0;
}

static int act_patched(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct patches *patches = d->more;
	struct bytes_held h;
	int rc = 0;

	(void)dose;
	if (bytes_open(s, d->path, &h, e) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < patches->n; i++)
		rc = bytes_write_at(&h, patches->items[i].bytes, patches->items[i].n,
				    patches->items[i].offset, e);
	return bytes_close(&h, rc == 0 ? e : NULL) < 0 ? -1 : rc;
}

/* --- patches --- */

static void patch_number(const struct linked *l, struct patches *p, int64_t at, size_t n,
			 uint64_t v)
{
	struct patch *one = &p->items[p->n++];

	*one = (struct patch){.offset = at, .n = n};
	for (size_t i = 0; i < n; i++, v >>= 8)
		one->bytes[l->facts.is_big_endian ? n - 1 - i : i] = (unsigned char)(v & 0xff);
}

static void patch_text(struct patches *p, int64_t at, const char *text, size_t n)
{
	struct patch *one = &p->items[p->n++];

	*one = (struct patch){.offset = at, .n = n < MAX_NAME ? n : MAX_NAME};
	memcpy(one->bytes, text, one->n);
}

static void add(const struct linked *l, const char *name, const char *object,
		const struct patches *p, const char *words)
{
	struct scene *s = l->scene;
	struct patches *kept = arena_alloc(s->arena, sizeof(*kept));
	struct attack *a;

	*kept = *p;
	a = scene_add(s, name, object,
		      &(struct deed){.act = act_patched,
				     .path = artifact_path(s->check, "path"),
				     .more = kept,
				     .words = words});
	if (p->n == 0)
		attack_settle(a, ATTACK_INCONCLUSIVE, "there is no room for it in this file");
}

static int64_t read_number(const struct linked *l, int64_t at, size_t n)
{
	unsigned char p[8] = {0};

	if (file_read_at(l->elf.fd, p, n, (uint64_t)at) != (ssize_t)n)
		return -1;
	return n == 1	? p[0]
	       : n == 2 ? elf_half(&l->elf, p)
	       : n == 4 ? elf_word(&l->elf, p)
			: elf_wide(&l->elf, p);
}

/* Where the segment's entry in the table lies; -1 = there is none. */
static int64_t entry_of(const struct linked *l, const struct segment *s)
{
	bool is_64 = l->facts.is_64;

	if (s == NULL)
		return -1;
	return read_number(l, is_64 ? 32 : 28, is_64 ? 8 : 4) +
	       (s - l->elf.segments) * read_number(l, is_64 ? 54 : 42, 2);
}

static void patch_flags(const struct linked *l, struct patches *p, const struct segment *s,
			uint32_t more)
{
	int64_t at = entry_of(l, s);

	if (at >= 0)
		patch_number(l, p, at + (l->facts.is_64 ? 4 : 24), 4, s->flags | more);
}

static void patch_type(const struct linked *l, struct patches *p, const struct segment *s)
{
	int64_t at = entry_of(l, s);

	if (at >= 0)
		patch_number(l, p, at, 4, 0);
}

/* --- the dynamic section --- */

static size_t width_of(const struct linked *l)
{
	return l->facts.is_64 ? 8 : 4;
}

/* Where the last entry of the tag lies; -1 = there is none. Of tag 0 the first, if one follows. */
static int64_t dynamic_at(const struct linked *l, int64_t tag)
{
	const struct segment *s = elf_find_segment(&l->elf, PT_DYNAMIC);
	int64_t width = (int64_t)width_of(l), found = -1;

	if (s == NULL)
		return -1;
	for (int64_t at = s->offset; at + 2 * width <= s->offset + s->file_bytes; at += 2 * width) {
		int64_t is = read_number(l, at, (size_t)width);

		if (is == 0) {
			bool is_spare = at + 4 * width <= s->offset + s->file_bytes &&
					read_number(l, at + 2 * width, (size_t)width) == 0;

			return tag == 0 ? (is_spare ? at : -1) : found;
		}
		if (is == tag)
			found = at;
	}
	return found;
}

/* An entry that nobody needs: one behind the end, or that of debuggers. */
static void patch_entry(const struct linked *l, struct patches *p, int64_t tag, int64_t value)
{
	int64_t at = dynamic_at(l, 0);
	size_t width = width_of(l);

	if (at < 0)
		at = dynamic_at(l, DT_DEBUG);
	if (at < 0 || value < 0) {
		p->n = 0;
		return;
	}
	patch_number(l, p, at, width, (uint64_t)tag);
	patch_number(l, p, at + (int64_t)width, width, (uint64_t)value);
}

static bool is_used(const struct linked *l, const char *name)
{
	for (size_t i = 0; i < l->facts.n_needed; i++)
		if (strcmp(l->facts.needed[i], name) == 0)
			return true;
	return strcmp(name, l->facts.soname) == 0 || strcmp(name, l->facts.rpath) == 0 ||
	       strcmp(name, l->facts.runpath) == 0 || str_starts(name, "GLIBC_");
}

/*
 * A name that no library has: the offset of one of a symbol among the names, with text put over it
 * unless that is NULL. -1 = none is long enough.
 */
static int64_t patch_name(const struct linked *l, struct patches *p, const char *text)
{
	size_t least = text != NULL ? strlen(text) : 1;

	for (int64_t at = 1; at < l->elf.n_strings;) {
		const char *name = l->elf.strings + at;
		size_t n = strlen(name);

		if (n >= least && !is_used(l, name)) {
			if (text != NULL)
				patch_text(p, elf_offset_of(&l->elf, l->elf.dynamic.strtab, 0) + at,
					   text, strlen(text) + 1);
			return at;
		}
		at += (int64_t)n + 1;
	}
	return -1;
}

/* The character before the last of a name in the file is another. */
static void patch_other_name(const struct linked *l, struct patches *p, const char *name)
{
	int64_t at = elf_offset_of(&l->elf, l->elf.dynamic.strtab, 0) + (name - l->elf.strings) +
		     (int64_t)strlen(name) - 1;
	char other = name[strlen(name) - 1] == 'x' ? 'y' : 'x';

	patch_text(p, at, &other, 1);
}

/* --- survey: what the loader is asked for --- */

static bool is_expected(const struct linked *l, const char *value)
{
	return artifact_expects(l->scene->check, value) != NULL;
}

static void add_memory(const struct linked *l)
{
	const struct segment *stack = elf_find_segment(&l->elf, PT_GNU_STACK);
	struct patches p = {.n = 0};

	if (is_expected(l, "nx") && stack != NULL) {
		patch_flags(l, &p, stack, PF_X);
		add(l, "stack-executable", "", &p, "it asks for a stack that is executable");
		p.n = 0;
		patch_type(l, &p, stack);
		add(l, "stack-unsaid", "", &p, "it says nothing of its stack any more");
	}
	p.n = 0;
	patch_flags(l, &p, elf_find_segment(&l->elf, PT_LOAD), PF_W | PF_X);
	if (is_expected(l, "write_execute"))
		add(l, "write-execute", "", &p, "its first segment is writable and executable");
}

static void add_relro(const struct linked *l)
{
	struct patches p = {.n = 0};
	int64_t at;

	if (!is_expected(l, "relro") || l->facts.relro == RELRO_NONE)
		return;
	patch_type(l, &p, elf_find_segment(&l->elf, PT_GNU_RELRO));
	add(l, "relro-lost", "", &p, "its relocation tables stay writable");
	if (l->facts.relro != RELRO_FULL)
		return;
	p.n = 0;
	at = dynamic_at(l, DT_FLAGS);
	if (at >= 0)
		patch_number(l, &p, at + (int64_t)width_of(l), width_of(l),
			     (uint64_t)l->elf.dynamic.flags & ~(uint64_t)DF_BIND_NOW);
	at = dynamic_at(l, DT_FLAGS_1);
	if (at >= 0)
		patch_number(l, &p, at + (int64_t)width_of(l), width_of(l),
			     (uint64_t)l->elf.dynamic.flags_1 & ~(uint64_t)DF_1_NOW);
	at = dynamic_at(l, DT_BIND_NOW);
	if (at >= 0)
		patch_number(l, &p, at, width_of(l), DT_DEBUG);
	add(l, "bind-now-lost", "", &p, "calls are bound when they are made, not before it starts");
}

/* With a name of its own, or that of a symbol if text is NULL. */
static void add_library(const struct linked *l, const char *object, const char *text)
{
	struct patches p = {.n = 0};
	int64_t name = patch_name(l, &p, text);

	patch_entry(l, &p, DT_NEEDED, name);
	add(l, "library-added", object, &p,
	    arena_printf(l->scene->arena, "it needs a library %s as well",
			 text != NULL ? text
			 : name >= 0  ? l->elf.strings + name
				      : "more"));
}

static void add_renamed(const struct linked *l)
{
	int64_t at = dynamic_at(l, DT_NEEDED);
	struct patches p = {.n = 0};
	int64_t name = patch_name(l, &p, NULL);

	if (at < 0 || name < 0)
		return;
	patch_number(l, &p, at + (int64_t)width_of(l), width_of(l), (uint64_t)name);
	add(l, "library-renamed", "", &p,
	    arena_printf(l->scene->arena, "a library that it needs is called %s",
			 l->elf.strings + name));
}

static void add_libraries(const struct linked *l)
{
	const struct texts *forbidden = artifact_field(l->scene->check, "forbidden");
	struct arena *a = l->scene->arena;
	int64_t n = (int64_t)l->facts.n_needed, at = dynamic_at(l, DT_NEEDED);
	struct patches p = {.n = 0};

	if (!l->facts.is_dynamic)
		return;
	if (is_expected(l, "foreign")) {
		add_renamed(l);
		add_library(l, "foreign", NULL);
	}
	for (size_t i = 0; is_expected(l, "forbidden") && i < forbidden->n && i < MAX_RULES; i++) {
		char *name = arena_strdup(a, forbidden->items[i]);

		for (char *c = name; *c != '\0'; c++)
			*c = *c == '*' || *c == '?' ? '0' : *c;
		add_library(l, forbidden->items[i], name);
	}
	if (!is_expected(l, "foreign") && artifact_minds_int(a, l->scene->check, "needed", n + 1))
		add_library(l, "", NULL);
	if (n > 0 && at >= 0 && artifact_minds_int(a, l->scene->check, "needed", n - 1)) {
		patch_number(l, &p, at, width_of(l), DT_DEBUG);
		add(l, "library-lost", "", &p, "it no longer needs a library");
	}
}

static void add_glibc(const struct linked *l)
{
	const char *version = l->facts.glibc;
	struct patches p = {.n = 0};
	char digits[32];
	size_t n = strlen(version);

	if (version[0] == '\0' || n >= sizeof(digits) ||
	    (!is_expected(l, "too_new") && !is_expected(l, "glibc")))
		return;
	for (size_t i = 0; i < n; i++)
		digits[i] = version[i] == '.' ? '.' : '9';
	if (version > l->elf.strings && version < l->elf.strings + l->elf.n_strings)
		patch_text(&p,
			   elf_offset_of(&l->elf, l->elf.dynamic.strtab, 0) +
				   (version - l->elf.strings),
			   digits, n);
	add(l, "glibc-newer", "", &p,
	    arena_printf(l->scene->arena, "a symbol asks for GLIBC_%.*s, no longer %s", (int)n,
			 digits, version));
}

/* --- survey: what it says of itself --- */

static void add_header(const struct linked *l)
{
	struct patches p = {.n = 0};
	bool is_program = strcmp(l->facts.type, "pie") == 0 || strcmp(l->facts.type, "shared") == 0;

	if (is_program && (is_expected(l, "pie") || is_expected(l, "type"))) {
		patch_number(l, &p, 16, 2, ET_EXEC);
		add(l, "pie-lost", "", &p, "it is loaded at a fixed address");
	}
	p.n = 0;
	patch_number(l, &p, 18, 2, l->elf.machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64);
	if (is_expected(l, "machine"))
		add(l, "machine", "", &p, "it is of another architecture");
	p.n = 0;
	patch_number(l, &p, 4, 1, l->facts.is_64 ? 1 : 2);
	if (is_expected(l, "bits"))
		add(l, "class", "", &p, "it says it has another width");
}

/* Where the digits of the build id lie in the notes; -1 = nowhere. */
static int64_t build_id_at(const struct linked *l)
{
	for (size_t i = 0; i < l->elf.n_segments; i++) {
		const struct segment *s = &l->elf.segments[i];
		int64_t at = s->offset;

		if (s->type != PT_NOTE)
			continue;
		while (at + 12 <= s->offset + s->file_bytes) {
			int64_t name = (read_number(l, at, 4) + 3) / 4 * 4,
				text = (read_number(l, at + 4, 4) + 3) / 4 * 4;

			if (name == 4 && read_number(l, at + 8, 4) == NT_GNU_BUILD_ID && text > 0)
				return at + 12 + name;
			at += 12 + name + text;
		}
	}
	return -1;
}

static bool minds_build_id(const struct linked *l, const char *id)
{
	struct measurement m = measurement_text("build_id", id);

	return artifact_minds(l->scene->arena, l->scene->check, &m);
}

/* A check that takes any build, as long as it says which, is asked about one that does not say. */
static void add_build_id(const struct linked *l)
{
	struct patches p = {.n = 0};
	int64_t at = build_id_at(l);
	char *other = arena_strdup(l->scene->arena, l->facts.build_id);

	if (!is_expected(l, "build_id") || at < 0 || strlen(other) < 2)
		return;
	other[1] = other[1] == '0' ? '1' : '0';
	if (!minds_build_id(l, other) && minds_build_id(l, "")) {
		patch_number(l, &p, at - 8, 4, 0); /* the note's type */
		add(l, "build-id", "", &p, "it does not say of which build it is");
		return;
	}
	patch_number(l, &p, at, 1, (uint64_t)read_number(l, at, 1) ^ 1);
	add(l, "build-id", "", &p, "it is of another build");
}

static void add_names(const struct linked *l)
{
	const struct segment *interp = elf_find_segment(&l->elf, PT_INTERP);
	struct patches p = {.n = 0};

	add_build_id(l);
	if (is_expected(l, "interp") && interp != NULL && interp->file_bytes > 2) {
		patch_text(&p, interp->offset + interp->file_bytes - 2, "~", 1);
		add(l, "interpreter", "", &p, "another program loads it");
	}
	p.n = 0;
	if (is_expected(l, "soname") && l->facts.soname[0] != '\0') {
		patch_other_name(l, &p, l->facts.soname);
		add(l, "soname", "", &p, "it calls itself otherwise");
	}
}

/* One that is there becomes another; where there is none, there is one. */
static void add_search_path(const struct linked *l, const char *value, const char *path)
{
	struct patches p = {.n = 0};

	if (!is_expected(l, value))
		return;
	if (path[0] != '\0')
		patch_other_name(l, &p, path);
	else
		patch_entry(l, &p, strcmp(value, "runpath") == 0 ? DT_RUNPATH : 15,
			    patch_name(l, &p, NULL));
	add(l, "search-path", value, &p, "it looks for libraries elsewhere");
}

static void add_symbols(const struct linked *l)
{
	bool is_64 = l->facts.is_64;
	int64_t at = read_number(l, is_64 ? 40 : 32, is_64 ? 8 : 4);
	int64_t entry = read_number(l, is_64 ? 58 : 46, 2);
	struct patches p = {.n = 0};

	if (!is_expected(l, "stripped") || l->facts.has_symbols || l->facts.has_debug)
		return;
	if (at > 0 && entry > 0 && read_number(l, is_64 ? 60 : 48, 2) > 1)
		patch_number(l, &p, at + entry + 4, 4, SHT_SYMTAB);
	add(l, "symbols-left", "", &p, "one of its sections is a table of symbols");
}

static void add_all(struct linked *l, const char *path)
{
	struct scene *s = l->scene;

	controls_add(s, path, path);
	bytes_add(s, path, "", BYTES_MISSING | BYTES_EMPTY | BYTES_TORN_HALF);
	(void)scene_add(s, "bit-flipped", "head",
			&(struct deed){.act = act_flipped,
				       .path = path,
				       .words = "one bit of byte 0 is another"});
	add_memory(l);
	add_relro(l);
	add_libraries(l);
	add_glibc(l);
	add_header(l);
	add_names(l);
	add_search_path(l, "rpath", l->facts.rpath);
	add_search_path(l, "runpath", l->facts.runpath);
	add_symbols(l);
}

static int elf_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const char *path = artifact_path(s->check, "path");
	struct linked l = {.scene = s};
	struct stat st;
	int fd = file_open(path, &st, e), rc;

	if (fd < 0)
		return -1;
	l.elf = (struct elf){.arena = c->arena, .fd = fd, .size = st.st_size, .out = &l.facts};
	rc = elf_look(&l.elf, e);
	if (rc == 0)
		add_all(&l, path);
	(void)close(fd); /* only read from */
	return rc;
}

const struct arsenal arsenal_elf = {
	.rows = elf_rows,
	.open = elf_open_scene,
	.survey = elf_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
