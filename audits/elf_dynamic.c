/*
 * elf_dynamic: the dynamic section, its names, the versions its symbols ask for.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audits/elf_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

#define MAX_DYNAMIC	   65536
#define MAX_STRINGS	   ((int64_t)64 * 1024 * 1024)
#define MAX_VERSIONS_BYTES ((int64_t)4 * 1024 * 1024)
#define MAX_VERSIONS	   65536
#define MAX_VERSION	   64 /* characters of one */
#define MAX_NEEDED	   4096

/* Entries by their tags. */
static const struct {
	int64_t tag;
	size_t offset;
} slots[] = {
	{3, offsetof(struct dynamic, pltgot)},
	{5, offsetof(struct dynamic, strtab)},
	{10, offsetof(struct dynamic, strsz)},
	{14, offsetof(struct dynamic, soname)},
	{15, offsetof(struct dynamic, rpath)},
	{29, offsetof(struct dynamic, runpath)},
	{30, offsetof(struct dynamic, flags)},
	{0x6ffffefb, offsetof(struct dynamic, depaudit)},
	{0x6ffffefc, offsetof(struct dynamic, audit)},
	{0x6ffffffb, offsetof(struct dynamic, flags_1)},
	{0x6ffffffe, offsetof(struct dynamic, verneed)},
	{2, offsetof(struct dynamic, jmprel_bytes)},
	{7, offsetof(struct dynamic, rela)},
	{8, offsetof(struct dynamic, rela_bytes)},
	{17, offsetof(struct dynamic, rel)},
	{18, offsetof(struct dynamic, rel_bytes)},
	{20, offsetof(struct dynamic, pltrel)},
	{23, offsetof(struct dynamic, jmprel)},
	{25, offsetof(struct dynamic, init)},
	{26, offsetof(struct dynamic, fini)},
	{27, offsetof(struct dynamic, init_bytes)},
	{28, offsetof(struct dynamic, fini_bytes)},
	{32, offsetof(struct dynamic, preinit)},
	{33, offsetof(struct dynamic, preinit_bytes)},
};

/* Where the value of an entry goes. */
static int64_t *slot_at(struct dynamic *d, size_t i)
{
	return (int64_t *)((char *)d + slots[i].offset);
}

/* The same by its tag; NULL = it is of no interest. */
static int64_t *slot_of(struct dynamic *d, int64_t tag)
{
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i].tag == tag)
			return slot_at(d, i);
	return NULL;
}

static int too_many(struct err *e)
{
	return err_set(e, ERR_MEASURE, "it claims to need more than %d libraries", MAX_NEEDED);
}

/* What a library filters for is loaded as what it needs is. */
static bool is_needed(int64_t tag)
{
	enum { NEEDED = 1, AUXILIARY = 0x7ffffffd, FILTER = 0x7fffffff };

	return tag == NEEDED || tag == AUXILIARY || tag == FILTER;
}

static int take_entry(struct elf *f, int64_t tag, int64_t value, struct err *e)
{
	enum { BIND_NOW = 24 };
	struct dynamic *d = &f->dynamic;
	int64_t *slot = slot_of(d, tag);

	if (tag == BIND_NOW)
		d->is_now = true;
	/* An offset that wraps around would lead the loader to a name in front of the others. */
	if (value < 0 && (slot || is_needed(tag)))
		return err_set(e, ERR_MEASURE,
			       "it is damaged: entry %lld of its dynamic section lies outside the "
			       "file",
			       (long long)tag);
	if (slot)
		*slot = value;
	if (!is_needed(tag))
		return 0;
	if (f->out->n_needed == MAX_NEEDED)
		return too_many(e);
	d->needed[f->out->n_needed++] = value;
	return 0;
}

static int read_dynamic(struct elf *f, const struct segment *s, struct err *e)
{
	size_t width = f->out->is_64 ? 8 : 4;
	int64_t n = s->file_bytes / (int64_t)(2 * width);
	unsigned char *p;

	if (n > MAX_DYNAMIC)
		return err_set(e, ERR_MEASURE,
			       "it is damaged: its dynamic section has %lld entries", (long long)n);
	if (elf_read_part(f, s->offset, s->file_bytes, "its dynamic section lies", &p, e) < 0)
		return -1;
	/* The loader goes by the address, and up to the last entry whatever the length says. */
	if (elf_offset_of(f, s->address, s->file_bytes) != s->offset)
		return err_set(e, ERR_MEASURE,
			       "it is damaged: its dynamic section is loaded from elsewhere");
	f->dynamic.needed = arena_array(f->arena, MAX_NEEDED, sizeof(int64_t));
	for (int64_t i = 0; i < n; i++, p += 2 * width) {
		int64_t tag = elf_wide(f, p);

		if (tag == 0)
			return 0;
		if (take_entry(f, tag, elf_wide(f, p + width), e) < 0)
			return -1;
	}
	return err_set(e, ERR_MEASURE, "it is damaged: its dynamic section has no end");
}

static int read_strings(struct elf *f, struct err *e)
{
	struct dynamic *d = &f->dynamic;
	unsigned char *p;

	if (d->strtab < 0 || d->strsz < 0)
		return err_set(e, ERR_MEASURE, "it is damaged: its dynamic section has no names");
	if (d->strsz > MAX_STRINGS)
		return err_set(e, ERR_MEASURE, "it is damaged: it claims %lld bytes of names",
			       (long long)d->strsz);
	if (elf_read_part(f, elf_offset_of(f, d->strtab, d->strsz), d->strsz, "its names lie", &p,
			  e) < 0)
		return -1;
	f->strings = (const char *)p;
	f->n_strings = d->strsz;
	return 0;
}

/* The name at an offset; "" for -1, which is "not there". */
static int name_at(const struct elf *f, int64_t offset, const char **out, struct err *e)
{
	if (offset < 0) {
		*out = "";
		return 0;
	}
	if (offset >= f->n_strings)
		return err_set(e, ERR_MEASURE, "it is damaged: a name lies outside its names");
	*out = f->strings + offset;
	return 0;
}

/* Libraries that are to watch the loader: it loads them before all others. */
static int add_auditors(struct elf *f, int64_t offset, struct err *e)
{
	struct elf_facts *out = f->out;
	const char *at = "";

	if (name_at(f, offset, &at, e) < 0)
		return -1;
	for (size_t n; *at; at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		if (n > 0 && out->n_needed == MAX_NEEDED)
			return too_many(e);
		if (n > 0)
			out->needed[out->n_needed++] = arena_strndup(f->arena, at, n);
	}
	return 0;
}

/* --- needed versions --- */

/* Dotted numbers, of a length that is one. */
static bool is_version(const char *s)
{
	return *s >= '0' && *s <= '9' && strnlen(s, MAX_VERSION) < MAX_VERSION &&
	       s[strspn(s, "0123456789.")] == '\0';
}

int elf_version_compare(const char *a, const char *b)
{
	for (;;) {
		char *end_a, *end_b;
		unsigned long x = strtoul(a, &end_a, 10), y = strtoul(b, &end_b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		if (*end_a != '.' || *end_b != '.')
			return (*end_a == '.') - (*end_b == '.');
		a = end_a + 1;
		b = end_b + 1;
	}
}

static int endless(struct err *e)
{
	return err_set(e, ERR_MEASURE, "it is damaged: the versions it needs have no end");
}

static void take_version(struct elf_facts *out, const char *name)
{
	if (!str_starts(name, "GLIBC_"))
		return;
	name += 6;
	/* A mark and no number: relocations that older loaders do not understand. */
	if (strcmp(name, "ABI_DT_RELR") == 0)
		name = "2.36";
	if (!is_version(name)) {
		/* GLIBC_PRIVATE is as old as glibc, and of one version only. */
		if (strcmp(name, "PRIVATE") != 0)
			out->glibc_mark = name;
	} else if (elf_version_compare(name, out->glibc) > 0) {
		out->glibc = name;
	}
}

/*
 * A chain of libraries, each with a chain of versions. Both are followed as the loader does, to the
 * step of 0 and not for as many as are claimed; every other step is forward and inside.
 */
static int read_versions(struct elf *f, struct err *e)
{
	int64_t at = 0, aux, n_bytes, offset, n_seen = 0;
	unsigned char *p;
	const char *name = "";

	if (f->dynamic.verneed < 0)
		return 0;
	offset = elf_offset_of(f, f->dynamic.verneed, 0);
	n_bytes = elf_is_inside(f, offset, 0) ? f->size - offset : 0;
	if (n_bytes > MAX_VERSIONS_BYTES)
		n_bytes = MAX_VERSIONS_BYTES;
	if (elf_read_part(f, offset, n_bytes, "the versions it needs lie", &p, e) < 0)
		return -1;
	for (int64_t next = 1; next > 0; at += next) {
		if (at + 16 > n_bytes)
			return endless(e);
		next = elf_word(f, p + at + 12);
		aux = at + elf_word(f, p + at + 8);
		for (int64_t step = 1; step > 0; aux += step) {
			if (aux + 16 > n_bytes || ++n_seen > MAX_VERSIONS)
				return endless(e);
			step = elf_word(f, p + aux + 12);
			if (name_at(f, elf_word(f, p + aux + 8), &name, e) < 0)
				return -1;
			take_version(f->out, name);
		}
	}
	return 0;
}

int elf_look_at_dynamic(struct elf *f, struct err *e)
{
	const struct segment *s = elf_find_segment(f, PT_DYNAMIC);
	struct dynamic *d = &f->dynamic;
	struct elf_facts *out = f->out;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		*slot_at(d, i) = -1;
	if (!s)
		return 0;
	out->is_dynamic = true;
	if (read_dynamic(f, s, e) < 0)
		return -1;
	/* A static PIE has a dynamic section without any name in it. */
	if (d->strtab < 0 && out->n_needed == 0)
		return 0;
	if (read_strings(f, e) < 0)
		return -1;
	out->needed = arena_array(f->arena, MAX_NEEDED, sizeof(*out->needed));
	for (size_t i = 0; i < out->n_needed; i++)
		if (name_at(f, d->needed[i], &out->needed[i], e) < 0)
			return -1;
	if (add_auditors(f, d->audit, e) < 0 || add_auditors(f, d->depaudit, e) < 0 ||
	    name_at(f, d->soname, &out->soname, e) < 0 ||
	    name_at(f, d->rpath, &out->rpath, e) < 0 ||
	    name_at(f, d->runpath, &out->runpath, e) < 0)
		return -1;
	return read_versions(f, e);
}
