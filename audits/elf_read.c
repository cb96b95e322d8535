/*
 * elf_read: header, segments, notes, section names; in that order and each only as far as it is
 * needed. Between notes and names comes the dynamic section, in elf_dynamic.c.
 */
#include "audits/elf_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "audits/elf_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define MAX_SEGMENTS 4096
/* Bytes of an entry in the tables of segments and of sections. */
#define MAX_ENTRY    256
#define MAX_SECTIONS 65536
#define MAX_NAMES    ((int64_t)64 * 1024 * 1024)
#define MAX_NOTES    ((int64_t)1024 * 1024)
#define MAX_INTERP   4096

enum { DF_1_PIE = 0x08000000 };

/* --- numbers --- */

static uint64_t number(const struct elf *f, const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[f->out->is_big_endian ? i : n - 1 - i];
	return v;
}

uint32_t elf_half(const struct elf *f, const unsigned char *p)
{
	return (uint32_t)number(f, p, 2);
}

uint32_t elf_word(const struct elf *f, const unsigned char *p)
{
	return (uint32_t)number(f, p, 4);
}

int64_t elf_wide(const struct elf *f, const unsigned char *p)
{
	uint64_t v = number(f, p, f->out->is_64 ? 8 : 4);

	return v > INT64_MAX ? -1 : (int64_t)v;
}

/* --- the file --- */

bool elf_is_inside(const struct elf *f, int64_t offset, int64_t n)
{
	return offset >= 0 && n >= 0 && offset <= f->size && n <= f->size - offset;
}

int elf_read_into(const struct elf *f, int64_t offset, int64_t n, unsigned char *to, struct err *e)
{
	ssize_t got = file_read_at(f->fd, to, (size_t)n, (uint64_t)offset);

	if (got < 0)
		return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
	if (got < n)
		return err_set(e, ERR_MEASURE, "it became shorter while it was read");
	return 0;
}

int elf_read_part(const struct elf *f, int64_t offset, int64_t n, const char *what,
		  unsigned char **out, struct err *e)
{
	if (!elf_is_inside(f, offset, n))
		return err_set(e, ERR_MEASURE, "it is damaged or cut: %s outside the file", what);

	unsigned char *p = arena_alloc(f->arena, (size_t)n + 1);

	if (elf_read_into(f, offset, n, p, e) < 0)
		return -1;
	*out = p;
	return 0;
}

int64_t elf_offset_of(const struct elf *f, int64_t address, int64_t n)
{
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct segment *s = &f->segments[i];

		if (s->type == PT_LOAD && s->address >= 0 && s->file_bytes >= 0 &&
		    address >= s->address && address - s->address <= s->file_bytes &&
		    n <= s->file_bytes - (address - s->address) &&
		    s->offset <= INT64_MAX - (address - s->address))
			return s->offset + (address - s->address);
	}
	return -1;
}

/* --- header and segments --- */

static const char *machine_name(struct arena *a, unsigned machine)
{
	static const struct {
		unsigned number;
		const char *name;
	} names[] = {
		{2, "sparc"},	{3, "x86"},   {8, "mips"},     {20, "powerpc"},	   {21, "ppc64"},
		{22, "s390"},	{40, "arm"},  {43, "sparc64"}, {62, "x86-64"},	   {183, "aarch64"},
		{243, "riscv"}, {247, "bpf"}, {50, "ia-64"},   {258, "loongarch"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == machine)
			return names[i].name;
	return arena_printf(a, "machine %u", machine);
}

/* Of some kinds there is one: kernels and loaders differ in whether the first or the last counts.
 */
static int check_segments(const struct elf *f, struct err *e)
{
	static const struct {
		uint32_t type;
		const char *what;
	} once[] = {{PT_DYNAMIC, "dynamic section"},
		    {PT_INTERP, "interpreter"},
		    {PT_GNU_STACK, "stack"},
		    {PT_GNU_RELRO, "RELRO"}};

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		size_t n = 0;

		for (size_t k = 0; k < f->n_segments; k++)
			n += f->segments[k].type == once[i].type;
		if (n > 1)
			return err_set(e, ERR_MEASURE,
				       "it is damaged: %zu segments say what its %s is", n,
				       once[i].what);
	}
	return 0;
}

static int read_segments(struct elf *f, const unsigned char *h, struct err *e)
{
	bool is_64 = f->out->is_64;
	int64_t at = elf_wide(f, h + (is_64 ? 32 : 28));
	size_t entry = elf_half(f, h + (is_64 ? 54 : 42)), n = elf_half(f, h + (is_64 ? 56 : 44));
	size_t least = is_64 ? 56 : 32;
	unsigned char *table;

	if (n == 0)
		return 0;
	if (n > MAX_SEGMENTS)
		return err_set(e, ERR_MEASURE, "it claims %zu segments, which no program has", n);
	if (entry < least || entry > MAX_ENTRY)
		return err_set(e, ERR_MEASURE, "it is damaged: its segments have %zu bytes each",
			       entry);
	if (elf_read_part(f, at, (int64_t)(n * entry), "its segments lie", &table, e) < 0)
		return -1;
	f->segments = arena_array(f->arena, n, sizeof(*f->segments));
	f->n_segments = n;
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = table + i * entry;

		f->segments[i] = (struct segment){
			.type = elf_word(f, p),
			.flags = elf_word(f, p + (is_64 ? 4 : 24)),
			.offset = elf_wide(f, p + (is_64 ? 8 : 4)),
			.address = elf_wide(f, p + (is_64 ? 16 : 8)),
			.file_bytes = elf_wide(f, p + (is_64 ? 32 : 16)),
			.memory_bytes = elf_wide(f, p + (is_64 ? 40 : 20)),
		};
	}
	return check_segments(f, e);
}

const struct segment *elf_find_segment(const struct elf *f, uint32_t type)
{
	for (size_t i = 0; i < f->n_segments; i++)
		if (f->segments[i].type == type)
			return &f->segments[i];
	return NULL;
}

/* What the kernel maps has to be there: a copy that broke off is none that runs. */
static int look_at_loads(struct elf *f, struct err *e)
{
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct segment *s = &f->segments[i];

		if (s->type == PT_LOAD && !elf_is_inside(f, s->offset, s->file_bytes))
			return err_set(
				e, ERR_MEASURE,
				"it is damaged or cut: what is loaded lies outside the file");
	}
	return 0;
}

static void look_at_permissions(struct elf *f)
{
	const struct segment *stack = elf_find_segment(f, PT_GNU_STACK);

	f->out->has_stack_note = stack != NULL;
	f->out->is_stack_executable = !stack || stack->flags & PF_X;
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct segment *s = &f->segments[i];

		if (s->type != PT_LOAD)
			continue;
		f->out->n_loads++;
		if ((s->flags & (PF_W | PF_X)) == (PF_W | PF_X))
			f->out->n_write_execute++;
	}
}

static int read_interp(struct elf *f, struct err *e)
{
	const struct segment *s = elf_find_segment(f, PT_INTERP);
	unsigned char *text;

	if (!s)
		return 0;
	if (s->file_bytes > MAX_INTERP)
		return err_set(e, ERR_MEASURE,
			       "it is damaged: the name of its interpreter has %lld "
			       "bytes",
			       (long long)s->file_bytes);
	if (elf_read_part(f, s->offset, s->file_bytes, "the name of its interpreter lies", &text,
			  e) < 0)
		return -1;
	f->out->interp = (const char *)text;
	return 0;
}

/* --- notes --- */

static void take_build_id(struct elf *f, const unsigned char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = arena_alloc(f->arena, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[p[i] >> 4];
		hex[2 * i + 1] = digits[p[i] & 15];
	}
	f->out->build_id = hex;
}

static int read_notes(struct elf *f, const struct segment *s, struct err *e)
{
	unsigned char *p;

	if (s->file_bytes > MAX_NOTES - f->note_bytes)
		return err_set(e, ERR_MEASURE, "it is damaged: it claims %lld bytes of notes",
			       (long long)s->file_bytes);
	if (elf_read_part(f, s->offset, s->file_bytes, "its notes lie", &p, e) < 0)
		return -1;
	f->note_bytes += s->file_bytes;
	for (int64_t left = s->file_bytes; left >= 12;) {
		int64_t name = elf_word(f, p), text = elf_word(f, p + 4);
		int64_t name_room = (name + 3) / 4 * 4, room = 12 + name_room + (text + 3) / 4 * 4;

		if (room > left && 12 + name_room + text > left)
			return err_set(e, ERR_MEASURE,
				       "it is damaged: a note is longer than all of "
				       "them");
		if (name == 4 && memcmp(p + 12, "GNU", 4) == 0 &&
		    elf_word(f, p + 8) == NT_GNU_BUILD_ID)
			take_build_id(f, p + 12 + name_room, (size_t)text);
		if (room >= left)
			break;
		p += room;
		left -= room;
	}
	return 0;
}

/* --- what follows from both --- */

bool elf_has_flag(int64_t flags, int64_t flag)
{
	return flags >= 0 && (flags & flag) != 0;
}

static void name_type(struct elf *f)
{
	enum { OBJECT = 1, EXECUTABLE, SHARED, CORE };
	bool is_pie = f->out->interp[0] || elf_has_flag(f->dynamic.flags_1, DF_1_PIE);

	f->out->type = f->type == OBJECT       ? "object"
		       : f->type == EXECUTABLE ? "executable"
		       : f->type == CORE       ? "core"
		       : f->type != SHARED     ? "unknown"
		       : is_pie		       ? "pie"
					       : "shared";
}

/* --- section names: only whether symbols and debugging are there --- */

static const char *section_trouble(struct elf *f, const unsigned char *h)
{
	bool is_64 = f->out->is_64;
	int64_t at = elf_wide(f, h + (is_64 ? 40 : 32));
	size_t entry = elf_half(f, h + (is_64 ? 58 : 46)), n = elf_half(f, h + (is_64 ? 60 : 48));
	size_t names = elf_half(f, h + (is_64 ? 62 : 50)), least = is_64 ? 64 : 40;
	unsigned char *table, *text;
	int64_t n_text;

	if (at == 0)
		return NULL; /* a table that was taken away: stripped of everything */
	if (entry < least || entry > MAX_ENTRY || n == 0 || n > MAX_SECTIONS || names == 0 ||
	    names >= n)
		return "its section headers make no sense";
	if (elf_read_part(f, at, (int64_t)(n * entry), "", &table, NULL) < 0)
		return "its section headers lie outside the file";

	const unsigned char *s = table + names * entry;
	n_text = elf_wide(f, s + (is_64 ? 32 : 20));
	if (n_text > MAX_NAMES ||
	    elf_read_part(f, elf_wide(f, s + (is_64 ? 24 : 16)), n_text, "", &text, NULL) < 0)
		return "the names of its sections lie outside the file";
	for (size_t i = 1; i < n; i++) {
		const unsigned char *p = table + i * entry;

		if (elf_word(f, p) >= n_text)
			return "the names of its sections lie outside the file";
		const char *name = (const char *)text + elf_word(f, p);
		if (elf_word(f, p + 4) == SHT_SYMTAB)
			f->out->has_symbols = true;
		if (str_starts(name, ".debug_") || str_starts(name, ".zdebug_"))
			f->out->has_debug = true;
	}
	return NULL;
}

static int read_header(struct elf *f, const unsigned char *h, int64_t n, struct err *e)
{
	if (n < 6 || memcmp(h, "\177ELF", 4) != 0)
		return err_set(e, ERR_MEASURE, "it is no ELF file");
	if (h[4] < 1 || h[4] > 2 || h[5] < 1 || h[5] > 2)
		return err_set(e, ERR_MEASURE,
			       "it is an ELF file of class %u and byte order %u, "
			       "which nobody knows",
			       h[4], h[5]);
	f->out->is_64 = h[4] == 2;
	f->out->is_big_endian = h[5] == 2;
	if (n < (f->out->is_64 ? 64 : 52))
		return err_set(e, ERR_MEASURE, "it is cut within its header");
	f->type = elf_half(f, h + 16);
	f->machine = elf_half(f, h + 18);
	f->out->machine = machine_name(f->arena, f->machine);
	return 0;
}

int elf_look(struct elf *f, struct err *e)
{
	unsigned char *h;
	int64_t n = f->size < 64 ? f->size : 64;

	*f->out = (struct elf_facts){.interp = "",
				     .build_id = "",
				     .soname = "",
				     .rpath = "",
				     .runpath = "",
				     .glibc = "",
				     .glibc_mark = ""};
	if (elf_read_part(f, 0, n, "its header lies", &h, e) < 0 || read_header(f, h, n, e) < 0 ||
	    read_segments(f, h, e) < 0 || look_at_loads(f, e) < 0 || read_interp(f, e) < 0)
		return -1;
	look_at_permissions(f);
	for (size_t i = 0; i < f->n_segments; i++)
		if (f->segments[i].type == PT_NOTE && read_notes(f, &f->segments[i], e) < 0)
			return -1;
	if (elf_look_at_dynamic(f, e) < 0 || elf_look_at_relro(f, e) < 0)
		return -1;
	name_type(f);
	f->out->sections_reason = section_trouble(f, h);
	return 0;
}

int elf_read(struct arena *a, int fd, int64_t size, struct elf_facts *out, struct err *e)
{
	struct elf_facts facts;
	struct elf f = {.arena = a, .fd = fd, .size = size, .out = &facts};

	if (elf_look(&f, e) < 0)
		return -1;
	*out = facts;
	return 0;
}
