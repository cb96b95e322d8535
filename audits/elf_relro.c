/*
 * elf_relro: what is closed before the program starts, RELRO.
 *
 * A segment only says what is to be closed. Whether that is what an attacker would write to is
 * measured by the addresses themselves: of the dynamic section, of the functions that are called at
 * begin and end, and of each place that a relocation fills with the address of a function.
 */
#include <stdbool.h>
#include <stdint.h>

#include "audits/elf_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

#define SMALLEST_PAGE	4096
#define PIECE		65536
#define MAX_RELOCATIONS ((int64_t)1 << 30)

/* Lie the n bytes at an address in pages that are closed? A page that is not filled stays open. */
static bool is_closed(const struct segment *relro, int64_t address, int64_t n)
{
	int64_t end;

	if (relro->address < 0 || relro->memory_bytes < 0 ||
	    relro->memory_bytes > INT64_MAX - relro->address)
		return false;
	end = relro->address + relro->memory_bytes;
	end -= end % SMALLEST_PAGE;
	return address >= relro->address && address <= end && n >= 0 && n <= end - address;
}

/* The same of a table that need not be there: address -1. */
static bool is_table_closed(const struct segment *relro, int64_t address, int64_t n)
{
	return address < 0 || n == 0 || is_closed(relro, address, n);
}

/* R_..._GLOB_DAT: the address of a name of another file, to be called or read through; -1 = the
 * machine has no number of its own for it. */
static int64_t glob_dat(unsigned machine)
{
	static const struct {
		unsigned machine;
		int64_t type;
	} types[] = {
		{2, 20},  {3, 6},   {20, 20}, {21, 20},	   {22, 10},
		{40, 21}, {43, 20}, {62, 6},  {183, 1025},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].machine == machine)
			return types[i].type;
	return -1;
}

/* Relocations at an address. type: only those; -1 = all. */
struct relocations {
	int64_t address, n_bytes;
	bool has_addend;
	int64_t type;
};

/* *all: whether every place that they fill is closed; as before where there are none. */
static int look_at_relocations(const struct elf *f, const struct segment *relro,
			       const struct relocations *r, bool *all, struct err *e)
{
	int64_t width = f->out->is_64 ? 8 : 4, entry = width * (r->has_addend ? 3 : 2);
	int64_t n = r->n_bytes / entry * entry, piece = PIECE / entry * entry, at;
	unsigned char *p = arena_alloc(f->arena, PIECE);

	if (r->address < 0 || r->n_bytes <= 0)
		return 0;
	if (n > MAX_RELOCATIONS)
		return err_set(e, ERR_MEASURE, "it is damaged: it claims %lld bytes of relocations",
			       (long long)n);
	at = elf_offset_of(f, r->address, r->n_bytes);
	if (!elf_is_inside(f, at, r->n_bytes))
		return err_set(e, ERR_MEASURE,
			       "it is damaged or cut: its relocations lie outside the file");
	for (; n > 0 && *all; at += piece, n -= piece) {
		int64_t part = n < piece ? n : piece;

		if (elf_read_into(f, at, part, p, e) < 0)
			return -1;
		for (int64_t i = 0; i < part; i += entry) {
			/* The type is in the low half of 64 bits, in the low byte of 32. */
			const unsigned char *info = p + i + width;
			int64_t type = !f->out->is_64	       ? elf_word(f, info) & 0xff
				       : f->out->is_big_endian ? elf_word(f, info + 4)
							       : elf_word(f, info);

			if (r->type < 0 || type == r->type)
				*all &= is_closed(relro, elf_wide(f, p + i), width);
		}
	}
	return 0;
}

/* Every table through which the program calls. */
static int look_at_tables(const struct elf *f, const struct segment *relro, bool *all,
			  struct err *e)
{
	enum { RELA = 7 };
	const struct dynamic *d = &f->dynamic;
	int64_t data = glob_dat(f->machine);
	const struct relocations calls = {d->jmprel, d->jmprel_bytes, d->pltrel == RELA, -1};
	const struct relocations rela = {d->rela, d->rela_bytes, true, data};
	const struct relocations rel = {d->rel, d->rel_bytes, false, data};

	*all = is_table_closed(relro, d->pltgot, 1) &&
	       is_table_closed(relro, d->init, d->init_bytes) &&
	       is_table_closed(relro, d->fini, d->fini_bytes) &&
	       is_table_closed(relro, d->preinit, d->preinit_bytes);
	if (look_at_relocations(f, relro, &calls, all, e) < 0)
		return -1;
	if (data < 0)
		return 0;
	if (look_at_relocations(f, relro, &rela, all, e) < 0)
		return -1;
	return look_at_relocations(f, relro, &rel, all, e);
}

/* Without lazy binding (now, or nothing dynamic at all) the tables can be closed before the start.
 */
int elf_look_at_relro(struct elf *f, struct err *e)
{
	const struct dynamic *d = &f->dynamic;
	const struct segment *s = elf_find_segment(f, PT_GNU_RELRO);
	const struct segment *dynamic = elf_find_segment(f, PT_DYNAMIC);
	bool is_now = d->is_now || elf_has_flag(d->flags, DF_BIND_NOW) ||
		      elf_has_flag(d->flags_1, DF_1_NOW);
	bool all = !dynamic;

	f->out->relro = RELRO_NONE;
	if (!s || s->memory_bytes <= 0 ||
	    (dynamic && !is_closed(s, dynamic->address, dynamic->memory_bytes)))
		return 0;
	if (dynamic && is_now && look_at_tables(f, s, &all, e) < 0)
		return -1;
	f->out->relro = all ? RELRO_FULL : RELRO_PARTIAL;
	return 0;
}
