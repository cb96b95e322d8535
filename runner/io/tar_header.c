#include "runner/io/tar_header.h"

#define SUM_AT	  148
#define SUM_BYTES 8

int64_t tar_number(const unsigned char *p, size_t n)
{
	int64_t v = 0;
	size_t i = 0;

	if (*p & 0x80) {
		v = *p & 0x7f;
		for (i = 1; i < n; i++) {
			if (v > INT64_MAX >> 9)
				return -1;
			v = v << 8 | p[i];
		}
		return v;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v > INT64_MAX >> 4)
			return -1;
		v = v * 8 + (p[i] - '0');
	}
	for (; i < n; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return -1;
	return v;
}

bool tar_is_header(const unsigned char *block)
{
	int64_t said = tar_number(block + SUM_AT, SUM_BYTES), sum = 0, old = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		int byte = i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : block[i];

		sum += byte;
		old += byte < 128 ? byte : byte - 256;
	}
	return said == sum || said == old;
}

bool tar_is_end(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i] != 0)
			return false;
	return true;
}
