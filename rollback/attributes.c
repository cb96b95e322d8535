/*
 * attributes: what the tag's own .gitattributes would do to its files.
 *
 * Only the tag speaks: attributes are looked up through a repository that consists of nothing but
 * the object database and an index of the tag's .gitattributes, so neither info/attributes, nor
 * configuration, nor the index of this clone can change what is found. (At a commit, libgit2 would
 * look for a file in every directory on the way to every path anew, half a millisecond each.)
 * Looked at only when some .gitattributes holds a word that could matter.
 *
 * content: checkout   eol and ident are applied (by libgit2's filters under git's defaults), LFS
 *                     pointers become their objects; export-* do not concern a checkout. Any other
 *                     filter= would run a program that a machine configures: unproven.
 * content: raw        the stored bytes are restored. Where a checkout or an archive would give
 * other bytes (eol=crlf that changes something, ident, filter, LFS, working-tree-encoding,
 * export-*), what is proven is not what git would restore: unproven, with the setting that says
 * which one is meant.
 */
#define _GNU_SOURCE /* memmem */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/git.h"

enum {
	ATTR_EOL,
	ATTR_TEXT,
	ATTR_IDENT,
	ATTR_FILTER,
	ATTR_ENCODING,
	ATTR_SUBST,
	ATTR_IGNORE,
	N_ATTRS
};

static const char *const attr_names[N_ATTRS] = {
	[ATTR_EOL] = "eol",
	[ATTR_TEXT] = "text",
	[ATTR_IDENT] = "ident",
	[ATTR_FILTER] = "filter",
	[ATTR_ENCODING] = "working-tree-encoding",
	[ATTR_SUBST] = "export-subst",
	[ATTR_IGNORE] = "export-ignore",
};

bool attributes_matter(const char *text, size_t n)
{
	static const char *const words[] = {"crlf", "ident", "filter", "working-tree-encoding",
					    "export-"};

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		size_t len = strlen(words[w]);

		for (size_t i = 0; i + len <= n; i++)
			if (memcmp(text + i, words[w], len) == 0)
				return true;
	}
	return false;
}

/* An index of what the tag itself says about attributes. */
static int list_attributes(const struct verification *v, git_index *index)
{
	const struct entries *list = &v->plan.attributes;
	int rc = 0;

	for (size_t i = 0; i < list->n && rc == 0; i++) {
		const git_index_entry entry = {
			.mode = GIT_FILEMODE_BLOB,
			.id = list->items[i]->id,
			.path = list->items[i]->path,
		};

		if (list->items[i]->store == 0)
			rc = git_index_add(index, &entry);
	}
	return rc;
}

git_repository *attributes_view(const struct verification *v, git_odb *odb)
{
	git_repository *view = NULL;
	git_config *config = NULL;
	git_index *index = NULL;

	if (git_repository_wrap_odb(&view, odb) < 0)
		return NULL;
	/* Without a configuration of its own it would read the user's. */
	if (git_config_new(&config) < 0 || git_repository_set_config(view, config) < 0 ||
	    git_index_new(&index) < 0 || list_attributes(v, index) < 0 ||
	    git_repository_set_index(view, index) < 0) {
		git_repository_free(view);
		view = NULL;
	}
	git_index_free(index);
	git_config_free(config);
	return view;
}

static unsigned changes_of(const char *const values[N_ATTRS])
{
	unsigned changes = 0;
	bool is_binary = git_attr_value(values[ATTR_TEXT]) == GIT_ATTR_VALUE_FALSE;

	if (values[ATTR_EOL] && strcmp(values[ATTR_EOL], "crlf") == 0 && !is_binary)
		changes |= CHANGE_EOL;
	if (git_attr_value(values[ATTR_IDENT]) == GIT_ATTR_VALUE_TRUE)
		changes |= CHANGE_IDENT;
	if (git_attr_value(values[ATTR_FILTER]) == GIT_ATTR_VALUE_STRING)
		changes |= strcmp(values[ATTR_FILTER], "lfs") == 0 ? CHANGE_LFS : CHANGE_FILTER;
	if (git_attr_value(values[ATTR_ENCODING]) == GIT_ATTR_VALUE_STRING)
		changes |= CHANGE_ENCODING;
	if (git_attr_value(values[ATTR_SUBST]) == GIT_ATTR_VALUE_TRUE ||
	    git_attr_value(values[ATTR_IGNORE]) == GIT_ATTR_VALUE_TRUE)
		changes |= CHANGE_EXPORT;
	return changes;
}

static int look_up(struct verification *v, git_repository *view, struct entry *entry,
		   struct step *s)
{
	git_attr_options options = {
		.version = GIT_ATTR_OPTIONS_VERSION,
		.flags = GIT_ATTR_CHECK_INDEX_ONLY | GIT_ATTR_CHECK_NO_SYSTEM,
	};
	const char *values[N_ATTRS], *names[N_ATTRS];

	memcpy(names, attr_names, sizeof(names));
	if (git_attr_get_many_ext(values, view, &options, entry->path, N_ATTRS, names) < 0)
		return step_find(s, OUTCOME_UNDECIDED, NULL,
				 "could not look up the attributes of \"%s\": %s",
				 str_escaped(v->a, entry->path), git_door_message());
	entry->changes = changes_of(values);
	return 0;
}

/* Outcomes that need no content: decided by the attribute alone. */
static void judge(struct verification *v, const struct entry *entry, struct step *s)
{
	const char *path = str_escaped(v->a, entry->path);
	bool is_raw = v->set->content == CONTENT_RAW;

	s->order = entry->order;
	if (entry->changes & CHANGE_FILTER)
		step_find(s, OUTCOME_UNDECIDED,
			  "remove the filter attribute from .gitattributes, or audit what it "
			  "makes as an artifact",
			  "\"%s\" has a filter attribute: what a program configured elsewhere "
			  "makes of it cannot be proven",
			  path);
	else if (entry->changes & CHANGE_ENCODING)
		step_find(s, OUTCOME_UNDECIDED, "remove working-tree-encoding from .gitattributes",
			  "\"%s\" has working-tree-encoding: the bytes a checkout writes cannot "
			  "be proven",
			  path);
	else if (is_raw && (entry->changes & CHANGE_LFS))
		step_find(s, OUTCOME_UNDECIDED, "set content: checkout",
			  "\"%s\" is an LFS file: content: raw restores its pointer, not its "
			  "content",
			  path);
	else if (is_raw && (entry->changes & CHANGE_EXPORT))
		step_find(s, OUTCOME_UNDECIDED, "set content: checkout",
			  "\"%s\" has an export attribute: an archive of the tag differs from the "
			  "stored tree",
			  path);
}

static int add_lfs(struct verification *v, struct entry *entry, struct step *s)
{
	const struct wanted w = room_wanted(v, entry);
	struct lfs_pointer *pointer = arena_alloc(v->a, sizeof(*pointer));
	git_odb_object *blob;

	s->order = entry->order;
	if (room_read(v, &w, s, &blob) < 0)
		return -1;
	if (lfs_parse(git_odb_object_data(blob), git_odb_object_size(blob), pointer)) {
		entry->lfs = pointer;
		if (v->set->content == CONTENT_CHECKOUT) {
			v->plan.n_bytes += pointer->size_bytes - entry->size_bytes;
			entry->size_bytes = pointer->size_bytes;
		}
	} else {
		/* Files that were committed without the filter stay as they are, as in git-lfs. */
		entry->changes &= ~(unsigned)CHANGE_LFS;
	}
	git_odb_object_free(blob);
	return 0;
}

/* The first line libgit2 does not read as git does: it knows no pattern in quotes. 0 = none. */
static size_t quoted_line(const char *text, size_t n)
{
	size_t number = 1;

	for (size_t at = 0; at < n; number++) {
		const char *newline = memchr(text + at, '\n', n - at);
		size_t end = newline ? (size_t)(newline - text) : n, first = at;

		while (first < end && (text[first] == ' ' || text[first] == '\t'))
			first++;
		if (first < end && text[first] == '"' &&
		    attributes_matter(text + first, end - first))
			return number;
		at = end + 1;
	}
	return 0;
}

/* Does any .gitattributes of the tag itself matter? Those of submodules are not applied. */
static bool any_matters(struct verification *v, struct step *s, struct step *materialise)
{
	const struct entries *list = &v->plan.attributes;
	bool any = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct entry *entry = list->items[i];
		const struct wanted w = room_wanted(v, entry);
		git_odb_object *blob;
		size_t quoted;
		bool matters;

		s->order = materialise->order = entry->order;
		if (room_read(v, &w, s, &blob) < 0)
			return false;
		matters = attributes_matter(git_odb_object_data(blob), git_odb_object_size(blob));
		quoted = quoted_line(git_odb_object_data(blob), git_odb_object_size(blob));
		git_odb_object_free(blob);
		if (quoted > 0 && entry->store == 0)
			step_find(
				materialise, OUTCOME_UNDECIDED,
				"write the pattern without quotes, [[:space:]] for a blank",
				"\"%s\" line %zu has a pattern in quotes: which files it is about "
				"cannot be told",
				str_escaped(v->a, entry->path), quoted);
		if (matters && entry->store > 0)
			step_find(materialise, OUTCOME_UNDECIDED, NULL,
				  "\"%s\" of a submodule may change what a checkout writes",
				  str_escaped(v->a, entry->path));
		else if (matters)
			any = true;
	}
	return any;
}

/* git archive leaves out a directory that is export-ignore, with all that is in it. */
static int scan_directories(struct verification *v, git_repository *view, struct step *s,
			    struct step *materialise)
{
	const struct entries *list = &v->plan.directories;
	int rc = 0;

	for (size_t i = 0; i < list->n && rc == 0 && !step_is_full(s); i++) {
		struct entry *entry = list->items[i];

		if (entry->store > 0 || entry->path[0] == '\0')
			continue;
		rc = room_is_late(v) ? room_late(v, s) : look_up(v, view, entry, s);
		entry->changes &= CHANGE_EXPORT;
		if (rc == 0 && entry->changes)
			judge(v, entry, materialise);
	}
	return rc;
}

int attributes_scan(struct verification *v, struct step *s, struct step *materialise)
{
	const struct entries *files = &v->plan.files;
	git_repository *view;
	int rc = 0;

	if (!any_matters(v, s, materialise))
		return step_is_passing(s) ? 0 : -1;
	view = attributes_view(v, v->odb);
	if (!view)
		return step_find(s, OUTCOME_UNDECIDED, NULL, "could not read attributes: %s",
				 git_door_message());
	for (size_t i = 0; i < files->n && rc == 0 && !step_is_full(s); i++) {
		struct entry *entry = files->items[i];

		if (entry->store > 0)
			continue;
		rc = room_is_late(v) ? room_late(v, s) : look_up(v, view, entry, s);
		if (rc == 0 && (entry->changes & CHANGE_LFS)) {
			v->plan.has_lfs = true;
			rc = add_lfs(v, entry, s);
		}
		if (rc == 0 && entry->changes)
			judge(v, entry, materialise);
	}
	if (rc == 0)
		rc = scan_directories(v, view, s, materialise);
	git_repository_free(view);
	return rc;
}

/*
 * Do git and libgit2 make the same of the file? libgit2 expands the first $Id$ alone, and one that
 * another program has expanded (with blanks in it), which git leaves.
 */
static bool is_ident_certain(const char *data, size_t n)
{
	const char *end = data + n, *id = memmem(data, n, "$Id", 3), *dollar, *blank;

	if (!id)
		return true;
	id += 3;
	if (memmem(id, (size_t)(end - id), "$Id", 3))
		return false;
	if (id == end || *id == '$')
		return true;
	dollar = memchr(id, '$', (size_t)(end - id));
	if (!dollar)
		return true; /* neither finds an end */
	if (*id != ':' || memchr(id, '\n', (size_t)(dollar - id)))
		return false;
	blank = dollar - id > 2 ? memchr(id + 2, ' ', (size_t)(dollar - id) - 2) : NULL;
	return !blank || blank == dollar - 1;
}

int attributes_apply(git_repository *view, const struct entry *entry, git_buf *out, bool *is_same,
		     bool *is_certain)
{
	git_filter_options options = {
		.version = GIT_FILTER_OPTIONS_VERSION,
		.flags = GIT_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_FILTER_ALLOW_UNSAFE,
	};
	git_filter_list *filters = NULL;
	git_blob *blob = NULL;
	int rc = git_blob_lookup(&blob, view, &entry->id);

	*is_same = *is_certain = true;
	if (rc == 0 && (entry->changes & CHANGE_IDENT))
		*is_certain =
			is_ident_certain(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	if (rc == 0)
		rc = git_filter_list_load_ext(&filters, view, blob, entry->path,
					      GIT_FILTER_TO_WORKTREE, &options);
	if (rc == 0 && filters) {
		rc = git_filter_list_apply_to_blob(out, filters, blob);
		if (rc == 0)
			*is_same = out->size == (size_t)git_blob_rawsize(blob) &&
				   memcmp(out->ptr, git_blob_rawcontent(blob), out->size) == 0;
	}
	git_filter_list_free(filters);
	git_blob_free(blob);
	return rc;
}
