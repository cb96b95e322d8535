/*
 * elf_dynamic: the dynamic section, its names, the versions its symbols ask for.
 */
#include <stdlib.h>

#include "audits/elf_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

#define MAX_DYNAMIC	   65536
#define MAX_STRINGS	   ((int64_t)64 * 1024 * 1024)
#define MAX_VERSIONS_BYTES ((int64_t)4 * 1024 * 1024)
#define MAX_NEEDED	   4096

static void take_entry(struct elf *f, int64_t tag, int64_t value)
{
	enum {
		NEEDED = 1,
		STRTAB = 5,
		STRSZ = 10,
		SONAME = 14,
		RPATH = 15,
		BIND_NOW = 24,
		RUNPATH = 29,
		FLAGS = 30,
		FLAGS_1 = 0x6ffffffb,
		VERNEED = 0x6ffffffe,
		VERNEEDNUM = 0x6fffffff
	};
	struct dynamic *d = &f->dynamic;

	switch (tag) {
	case NEEDED:
		if (f->out->n_needed < MAX_NEEDED)
			d->needed[f->out->n_needed++] = value;
		break;
	case STRTAB:
		d->strtab = value;
		break;
	case STRSZ:
		d->strsz = value;
		break;
	case SONAME:
		d->soname = value;
		break;
	case RPATH:
		d->rpath = value;
		break;
	case BIND_NOW:
		d->is_now = true;
		break;
	case RUNPATH:
		d->runpath = value;
		break;
	case FLAGS:
		d->flags = value;
		break;
	case FLAGS_1:
		d->flags_1 = value;
		break;
	case VERNEED:
		d->verneed = value;
		break;
	case VERNEEDNUM:
		d->verneednum = value;
		break;
	default: /* not an enumeration: any number of a file gets here */
		break;
	}
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
	f->dynamic.needed = arena_array(f->arena, MAX_NEEDED, sizeof(int64_t));
	for (int64_t i = 0; i < n; i++, p += 2 * width) {
		int64_t tag = elf_wide(f, p);

		if (tag == 0)
			break;
		take_entry(f, tag, elf_wide(f, p + width));
	}
	return 0;
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

/* --- needed versions --- */

static bool is_version(const char *s)
{
	return *s >= '0' && *s <= '9';
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

/* A table of libraries, each with a chain of versions; every step is forward and inside. */
static int read_versions(struct elf *f, struct err *e)
{
	const struct dynamic *d = &f->dynamic;
	int64_t at = 0, n_bytes, offset;
	unsigned char *p;

	if (d->verneed < 0 || d->verneednum <= 0)
		return 0;
	offset = elf_offset_of(f, d->verneed, 0);
	n_bytes = elf_is_inside(f, offset, 0) ? f->size - offset : 0;
	if (n_bytes > MAX_VERSIONS_BYTES)
		n_bytes = MAX_VERSIONS_BYTES;
	if (elf_read_part(f, offset, n_bytes, "the versions it needs lie", &p, e) < 0)
		return -1;
	for (int64_t i = 0; i < d->verneednum && at + 16 <= n_bytes; i++) {
		int64_t n_aux = elf_half(f, p + at + 2), aux = at + elf_word(f, p + at + 8);
		int64_t next = elf_word(f, p + at + 12);

		for (int64_t k = 0; k < n_aux && aux + 16 <= n_bytes; k++) {
			int64_t step = elf_word(f, p + aux + 12);
			const char *name = "";

			if (name_at(f, elf_word(f, p + aux + 8), &name, e) < 0)
				return -1;
			if (str_starts(name, "GLIBC_") && is_version(name + 6) &&
			    elf_version_compare(name + 6, f->out->glibc) > 0)
				f->out->glibc = name + 6;
			if (step == 0)
				break;
			aux += step;
		}
		if (next == 0)
			return 0;
		at += next;
	}
	return at + 16 <= n_bytes ? 0
				  : err_set(e, ERR_MEASURE,
					    "it is damaged: the versions it needs have no end");
}

int elf_look_at_dynamic(struct elf *f, struct err *e)
{
	const struct segment *s = elf_find_segment(f, PT_DYNAMIC);
	struct dynamic *d = &f->dynamic;
	struct elf_facts *out = f->out;

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
	out->needed = arena_array(f->arena, out->n_needed, sizeof(*out->needed));
	for (size_t i = 0; i < out->n_needed; i++)
		if (name_at(f, d->needed[i], &out->needed[i], e) < 0)
			return -1;
	if (name_at(f, d->soname, &out->soname, e) < 0 ||
	    name_at(f, d->rpath, &out->rpath, e) < 0 ||
	    name_at(f, d->runpath, &out->runpath, e) < 0)
		return -1;
	return read_versions(f, e);
}
