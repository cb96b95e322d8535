/*
 * mutate_yaml SEED COUNT FILE DIR: writes COUNT mutations of a definition into DIR as NNN.yaml,
 * each a mistake of the kind hands and transports make. The same seed gives the same files.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 65536
#define MAX_LINES 2000

static uint64_t state;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static size_t below(size_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t)((state * UINT64_C(2685821657736338717)) >> 33) % (n ? n : 1);
}

struct text {
	char bytes[2 * MAX_BYTES];
	size_t n;
};

struct lines {
	size_t start[MAX_LINES + 1]; /* offsets; the last is the end of the text */
	size_t n;
};

static void split(const struct text *t, struct lines *l)
{
	l->n = 0;
	l->start[0] = 0;
	for (size_t i = 0; i < t->n && l->n < MAX_LINES; i++)
		if (t->bytes[i] == '\n' || i + 1 == t->n)
			l->start[++l->n] = i + 1;
}

static void insert(struct text *t, size_t at, const char *s, size_t n)
{
	memmove(t->bytes + at + n, t->bytes + at, t->n - at);
	memcpy(t->bytes + at, s, n);
	t->n += n;
}

static void cut(struct text *t, size_t at, size_t n)
{
	memmove(t->bytes + at, t->bytes + at + n, t->n - at - n);
	t->n -= n;
}

static void change_line(struct text *t, size_t what)
{
	struct lines l;
	char copy[MAX_BYTES];
	size_t i, start, n;

	split(t, &l);
	if (l.n < 2)
		return;
	i = below(l.n - 1);
	start = l.start[i];
	n = l.start[i + 1] - start;
	memcpy(copy, t->bytes + start, n);
	switch (what) {
	case 0: /* lost */
		cut(t, start, n);
		break;
	case 1: /* twice */
		insert(t, start, copy, n);
		break;
	case 2: /* swapped with the next */
		cut(t, start, n);
		insert(t, start + l.start[i + 2] - l.start[i + 1], copy, n);
		break;
	case 3: /* one column in */
		insert(t, start, " ", 1);
		break;
	default: /* one column out */
		if (copy[0] == ' ')
			cut(t, start, 1);
		else
			insert(t, start, "\t", 1);
		break;
	}
}

static void change_bytes(struct text *t, size_t what)
{
	static const char special[] = "{}[]:,#&*!|>'\"%@`-?\\~$\t\n";
	size_t at = below(t->n);
	char c;

	switch (what) {
	case 0: /* torn off */
		t->n = at;
		break;
	case 1: /* one bit flipped */
		t->bytes[at] = (char)((unsigned char)t->bytes[at] ^ (1u << below(8)));
		break;
	case 2: /* a letter lost */
		cut(t, at, 1);
		break;
	case 3: /* two letters swapped */
		if (at + 1 == t->n)
			break;
		c = t->bytes[at];
		t->bytes[at] = t->bytes[at + 1];
		t->bytes[at + 1] = c;
		break;
	default: /* a character that means something */
		insert(t, at, &special[below(sizeof(special) - 1)], 1);
		break;
	}
}

static int write_text(const char *dir, size_t i, const struct text *t)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%03zu.yaml", dir, i);
	f = fopen(path, "wb");
	if (!f || fwrite(t->bytes, 1, t->n, f) != t->n || fclose(f) != 0) {
		perror(path);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct text original, mutated;
	size_t count;
	FILE *f;

	if (argc != 5) {
		fputs("usage: mutate_yaml SEED COUNT FILE DIR\n", stderr);
		return 2;
	}
	state = strtoull(argv[1], NULL, 10) * 2 + 1;
	count = strtoul(argv[2], NULL, 10);
	f = fopen(argv[3], "rb");
	if (!f) {
		perror(argv[3]);
		return 1;
	}
	original.n = fread(original.bytes, 1, MAX_BYTES, f);
	fclose(f);
	for (size_t i = 0; i < count; i++) {
		size_t n = 1 + below(2);

		mutated = original;
		while (n-- > 0 && mutated.n > 0) {
			size_t what = below(10);

			if (what < 5)
				change_line(&mutated, what);
			else
				change_bytes(&mutated, what - 5);
		}
		if (write_text(argv[4], i, &mutated))
			return 1;
	}
	return 0;
}
