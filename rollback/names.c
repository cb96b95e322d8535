/*
 * names: which names a tree entry may have.
 *
 * Refused is what git itself refuses to check out anywhere because it would leave the tree or
 * become repository metadata: empty, ".", "..", a slash, ".git" in any case and in the disguises of
 * NTFS
 * ("git~1", trailing dots and spaces, ":stream") and HFS+ (ignorable code points). A backslash is
 * an ordinary byte here and a separator elsewhere: refused when it hides one of the above or a
 * drive, remarked otherwise.
 */
#include "rollback/room.h"

#include <string.h>
#include <strings.h>

#include "runner/base/str.h"

#define NAME_BYTES 255

/* HFS+ leaves these out when it compares names: U+200C-200F, U+202A-202E, U+206A-206F, U+FEFF. */
static size_t ignorable(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (p[0] == 0xef)
		return p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
	if (p[0] != 0xe2)
		return 0;
	if (p[1] == 0x80 && ((p[2] >= 0x8c && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	return p[1] == 0x81 && p[2] >= 0xaa && p[2] <= 0xaf ? 3 : 0;
}

static bool is_ntfs_end(const char *s)
{
	s += strspn(s, ". ");
	return *s == '\0' || *s == ':';
}

static bool is_dot_git(const char *name)
{
	char plain[NAME_BYTES + 1];
	size_t n = 0;

	for (const char *p = name; *p && n < NAME_BYTES;) {
		size_t skip = ignorable(p);

		if (skip > 0)
			p += skip;
		else
			plain[n++] = *p++;
	}
	plain[n] = '\0';
	return (strncasecmp(plain, ".git", 4) == 0 && is_ntfs_end(plain + 4)) ||
	       (strncasecmp(plain, "git~1", 5) == 0 && is_ntfs_end(plain + 5));
}

/* One component between slashes or backslashes. */
static const char *component_refused(const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "leads out of its directory";
	if (is_dot_git(name))
		return "would become repository metadata";
	return NULL;
}

const char *name_refused(const char *name)
{
	char part[NAME_BYTES + 1];
	const char *p = name, *why;

	if (*name == '\0')
		return "is empty";
	if (strchr(name, '/'))
		return "contains a slash";
	if (strlen(name) > NAME_BYTES)
		return "is longer than 255 bytes";
	if (strchr(name, '\\') && (*name == '\\' || name[1] == ':'))
		return "is an absolute path on Windows";
	for (;;) {
		size_t n = strcspn(p, "\\");

		memcpy(part, p, n);
		part[n] = '\0';
		why = component_refused(part);
		if (why || p[n] == '\0')
			return why;
		p += n + 1;
	}
}

const char *name_doubtful(const char *name)
{
	if (strchr(name, '\\'))
		return "contains a backslash, which separates directories on Windows";
	return NULL;
}

/* "aux", "aux.c", "com1.txt": what is behind the first dot does not count. */
static bool is_device(const char *name)
{
	static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
	size_t n = strcspn(name, ".");

	while (n > 0 && name[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (n == strlen(devices[i]) && strncasecmp(name, devices[i], n) == 0)
			return true;
	return n == 4 && (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0) &&
	       name[3] >= '1' && name[3] <= '9';
}

const char *name_elsewhere(const char *name)
{
	size_t n = strlen(name);

	if (is_device(name))
		return "is a device on Windows";
	if (n > 0 && (name[n - 1] == '.' || name[n - 1] == ' '))
		return "ends with a dot or a space, which Windows leaves out";
	if (strpbrk(name, "<>:\"|?*"))
		return "has a character that no name on Windows has";
	return NULL;
}
