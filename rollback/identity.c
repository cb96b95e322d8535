/*
 * identity: the name means one commit, and the same one as ever.
 *
 * Disproved: a symbolic ref or one read through a symbolic link, a tag object that carries another
 * tag's name (a ref may point at the validly signed tag of another release), a tag of a blob or
 * tree, a branch of the same name (`git checkout v1` then takes the branch) or whatever else git
 * takes the name for, a commit or tree other than the one first recorded. A tag of a tag is peeled,
 * and said. No tag of that name proves nothing either way. Who signed it, where the set wants to
 * know, is signer.c.
 */
#include "rollback/room.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/git.h"

/* Would git take the file for a ref? */
static bool holds_ref(const char *path)
{
	char head[GIT_OID_HEXSZ + 1] = "";
	git_oid id;
	int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe's writer */
	ssize_t n = fd < 0 ? 0 : read(fd, head, GIT_OID_HEXSZ);

	if (fd >= 0)
		(void)close(fd); /* only read */
	return str_starts(head, "ref:") || (n == GIT_OID_HEXSZ && git_oid_fromstr(&id, head) == 0);
}

/*
 * Before it looks among the tags git takes a name for an object's, a file of its own directory, or
 * a whole ref: gitrevisions(7). 1 = a finding.
 */
static int check_taken_first(struct verification *v, struct step *s)
{
	const char *rename =
		arena_printf(v->a, "git tag NEW-NAME %s",
			     str_as_word(v->a, arena_printf(v->a, "refs/tags/%s^{}", v->tag)));
	const char *file = arena_printf(v->a, "%s%s", git_repository_commondir(v->repo), v->tag);
	git_reference *ref = NULL;
	const char *what = NULL;
	git_oid id;

	if (strlen(v->tag) == GIT_OID_HEXSZ && git_oid_fromstr(&id, v->tag) == 0)
		what = "is a whole object id, for which git takes it";
	else if (git_reference_lookup(&ref, v->repo, v->tag) == 0)
		what = "is a whole ref as well, which git takes first";
	git_reference_free(ref);
	if (what != NULL)
		return step_find(s, OUTCOME_FAIL, rename, "the name \"%s\" %s",
				 str_escaped(v->a, v->tag), what);
	if (!holds_ref(file))
		return 0;
	return step_find(s, OUTCOME_FAIL,
			 str_equal(v->tag, "HEAD")
				 ? rename
				 : arena_printf(v->a, "rm %s", str_as_word(v->a, file)),
			 "the name \"%s\" is ambiguous: there is a file of that name in git's "
			 "directory, which git takes first",
			 str_escaped(v->a, v->tag));
}

/* Names git would consider for the same short word, besides refs/tags/. */
static int check_ambiguous(struct verification *v, struct step *s)
{
	static const char *const kinds[] = {"branch", "remote branch", "ref"};
	const char *branch =
		arena_printf(v->a, v->tag[0] == '-' ? "branch%s" : "%s-branch", v->tag);
	const char *names[] = {
		arena_printf(v->a, "refs/heads/%s", v->tag),
		arena_printf(v->a, "refs/remotes/%s", v->tag),
		arena_printf(v->a, "refs/%s", v->tag),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		git_reference *ref = NULL;

		if (git_reference_lookup(&ref, v->repo, names[i]) < 0)
			continue;
		git_reference_free(ref);
		return step_find(
			s, OUTCOME_FAIL,
			i == 0 ? arena_printf(v->a, "git branch -m %s %s", room_word(v->a, v->tag),
					      str_as_word(v->a, branch))
			       : arena_printf(v->a, "git update-ref -d %s",
					      str_as_word(v->a, names[i])),
			"the name \"%s\" is ambiguous: there is a %s of that name, and git "
			"may take it instead",
			str_escaped(v->a, v->tag), kinds[i]);
	}
	return 0;
}

/* What the tag has to be; NULL = whatever it is. */
static const struct pin *pin_of(const struct verification *v)
{
	return v->set->is_pinned ? v->req->pin : NULL;
}

/*
 * Back to the commit. What signed it, or the words it was tagged with, are gone with the tag
 * object, which another clone may have.
 */
static const char *undo_move(const struct verification *v, const struct pin *pin)
{
	const char *ref = str_as_word(v->a, v->ref);
	const char *put = rollback_retag(v->a, v->tag, pin->commit ? pin->commit : pin->tree, true);

	if (v->set->signature.allowed_signers || v->set->signature.keyring)
		return arena_printf(v->a,
				    "git fetch --force CLONE %s:%s, from a clone that has it as it "
				    "was signed",
				    ref, ref);
	if (v->is_annotated)
		return arena_printf(v->a,
				    "git fetch --force CLONE %s:%s, from a clone that has it as it "
				    "was; where there is none: %s, without tagger and message",
				    ref, ref, put);
	return put;
}

/* For what is no name of its release: a remote may have it, the record knows its commit. */
static const char *as_it_was(const struct verification *v)
{
	const char *ref = str_as_word(v->a, v->ref);

	if (v->source.remote)
		return arena_printf(v->a, "git fetch --force %s %s",
				    str_as_word(v->a, v->source.remote),
				    room_refspec(v->a, v->tag));
	if (pin_of(v))
		return undo_move(v, pin_of(v));
	return arena_printf(v->a,
			    "git fetch --force CLONE %s:%s, from a clone that has it as it was",
			    ref, ref);
}

/* Nothing writes over a file that is no ref. */
static const char *write_anew(const struct verification *v)
{
	const char *file = arena_printf(v->a, "%s%s", git_repository_commondir(v->repo), v->ref);

	if (access(file, R_OK) != 0)
		return as_it_was(v);
	return arena_printf(v->a, "rm %s && %s", str_as_word(v->a, file), as_it_was(v));
}

static int no_such_tag(struct verification *v, struct step *s)
{
	const char *remote = v->source.remote;
	const char *get = NULL;

	if (remote)
		get = arena_printf(v->a, "git fetch %s%s %s",
				   v->source.is_shallow ? "--depth=1 " : "",
				   str_as_word(v->a, remote), room_refspec(v->a, v->tag));
	else
		get = pin_of(v) ? undo_move(v, pin_of(v)) : "git tag --list";
	return step_find(s, OUTCOME_UNDECIDED, get, "there is no tag \"%s\" in this repository%s",
			 str_escaped(v->a, v->tag),
			 v->source.is_shallow ? ": shallow clone, fetched without it" : "");
}

/*
 * Where the file system leads to another place on the way to the tag's own file below refs; NULL:
 * nowhere. git writes no such link, and reads what it leads to.
 */
static const char *find_link(struct verification *v)
{
	const char *common = git_repository_commondir(v->repo);

	for (const char *end = v->ref + strlen("refs"); *end;) {
		const char *path;
		struct stat st;

		end += 1 + strcspn(end + 1, "/");
		path = arena_printf(v->a, "%s%.*s", common, (int)(end - v->ref), v->ref);
		if (lstat(path, &st) != 0)
			return NULL;
		if (S_ISLNK(st.st_mode))
			return path;
	}
	return NULL;
}

static int is_linked(struct verification *v, struct step *s, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return step_find(s, OUTCOME_FAIL,
			 arena_printf(v->a,
				      "id=$(git rev-parse %s) && rm %s && git update-ref %s $id",
				      str_as_word(v->a, v->ref), str_as_word(v->a, link),
				      str_as_word(v->a, v->ref)),
			 "the tag is read through \"%s\", a symbolic link to \"%s\", and moves "
			 "with it",
			 str_escaped(v->a, link), str_escaped(v->a, target));
}

static int lookup(struct verification *v, struct step *s, git_oid *id)
{
	git_reference *ref = NULL;
	const char *link = find_link(v);
	int rc = link ? is_linked(v, s, link) : git_reference_lookup(&ref, v->repo, v->ref);

	if (link)
		return rc;
	if (rc == GIT_ENOTFOUND)
		return no_such_tag(v, s);
	if (rc < 0)
		return step_find(s, rc == GIT_EINVALIDSPEC ? OUTCOME_UNDECIDED : OUTCOME_FAIL,
				 write_anew(v), "could not read \"%s\": %s",
				 str_escaped(v->a, v->ref), str_escaped(v->a, git_door_message()));
	if (git_reference_type(ref) == GIT_REFERENCE_SYMBOLIC)
		rc = step_find(s, OUTCOME_FAIL,
			       arena_printf(v->a, "git update-ref --no-deref %s %s^{commit}",
					    str_as_word(v->a, v->ref), str_as_word(v->a, v->ref)),
			       "the tag is a symbolic ref to \"%s\" and moves with it",
			       str_escaped(v->a, git_reference_symbolic_target(ref)));
	else
		git_oid_cpy(id, git_reference_target(ref));
	git_reference_free(ref);
	return rc;
}

/* One level of an annotated tag. */
static int open_tag(struct verification *v, struct step *s, git_oid *id, int level)
{
	const struct wanted w = {v->odb, id, GIT_OBJECT_TAG, NULL, 0};
	git_tag *tag = NULL;
	int rc = git_tag_lookup(&tag, v->repo, id);

	if (rc < 0)
		return room_unreadable(v, rc, &w, s);
	if (level == 0 && strcmp(git_tag_name(tag), v->tag) != 0)
		rc = step_find(s, OUTCOME_FAIL, as_it_was(v),
			       "the ref \"%s\" holds the tag object of \"%s\"",
			       str_escaped(v->a, v->ref), str_escaped(v->a, git_tag_name(tag)));
	else if (level > 0)
		step_find(s, OUTCOME_WARN, NULL, "a tag of the tag \"%s\", peeled to its commit",
			  str_escaped(v->a, git_tag_name(tag)));
	git_oid_cpy(id, git_tag_target_id(tag));
	git_tag_free(tag);
	return rc;
}

/* Follows tag objects down to a commit; every object on the way is re-hashed by reading it. */
static int peel(struct verification *v, struct step *s, git_oid *id)
{
	const struct wanted w = {v->odb, id, GIT_OBJECT_ANY, NULL, 0};

	for (int level = 0; level < ROOM_MAX_DEPTH; level++) {
		git_odb_object *object = NULL;
		int rc = git_odb_read(&object, v->odb, id);
		git_object_t type;

		if (rc < 0)
			return room_unreadable(v, rc, &w, s);
		type = git_odb_object_type(object);
		git_odb_object_free(object);
		v->out->n_objects++;
		if (type == GIT_OBJECT_COMMIT)
			return 0;
		if (level == 0 && type == GIT_OBJECT_TAG) {
			git_oid_cpy(&v->tag_id, id);
			v->is_annotated = true;
		}
		if (type != GIT_OBJECT_TAG)
			return step_find(s, OUTCOME_FAIL,
					 pin_of(v) ? undo_move(v, pin_of(v))
						   : arena_printf(v->a, "git cat-file -p %s",
								  str_as_word(v->a, v->ref)),
					 "the tag leads to the %s %s, not to a commit",
					 git_object_type2string(type), room_hex(v->a, id));
		if (open_tag(v, s, id, level) < 0)
			return -1;
	}
	return step_find(s, OUTCOME_FAIL, NULL, "tags of tags more than %d deep", ROOM_MAX_DEPTH);
}

/* It may be another repository's tag of that name: told once, by the verification that pins it. */
static void tell_lost_pin(struct verification *v, struct step *s)
{
	const struct pin *lost = v->req->lost_pin;

	if (v->req->pin || !lost || !v->set->is_pinned || !lost->commit ||
	    strcmp(lost->commit, v->out->commit) == 0)
		return;
	step_find(s, OUTCOME_WARN, NULL,
		  "the tag is commit %s; the set \"%s\", which is defined no longer, had it as %s",
		  v->out->commit, str_escaped(v->a, lost->set), lost->commit);
}

static int check_pin(struct verification *v, struct step *s)
{
	const struct pin *pin = pin_of(v);
	bool is_other_commit, is_other_tree;

	tell_lost_pin(v, s);
	if (!pin)
		return 0;
	is_other_commit = pin->commit && strcmp(pin->commit, v->out->commit) != 0;
	is_other_tree = pin->tree && strcmp(pin->tree, v->out->tree) != 0;
	if (!is_other_commit && !is_other_tree)
		return 0;
	return step_find(s, OUTCOME_FAIL, undo_move(v, pin),
			 "the tag moved: it is %s %s, recorded first as %s",
			 is_other_commit ? "commit" : "tree",
			 is_other_commit ? v->out->commit : v->out->tree,
			 is_other_commit ? pin->commit : pin->tree);
}

int identity_prove(struct verification *v, struct step *s)
{
	git_commit *commit = NULL;
	git_oid id;
	const struct wanted w = {v->odb, &id, GIT_OBJECT_COMMIT, NULL, 0};
	int rc;

	if (lookup(v, s, &id) < 0 || peel(v, s, &id) < 0)
		return -1;
	rc = git_commit_lookup(&commit, v->repo, &id);
	if (rc < 0)
		return room_unreadable(v, rc, &w, s);
	v->commit_id = id;
	git_oid_cpy(&v->tree_id, git_commit_tree_id(commit));
	v->out->commit = room_hex(v->a, &v->commit_id);
	v->out->tree = room_hex(v->a, &v->tree_id);
	v->out->tag_time_ms = (int64_t)git_commit_time(commit) * 1000;
	git_commit_free(commit);
	if (check_pin(v, s) < 0 || check_taken_first(v, s) < 0 || check_ambiguous(v, s) < 0)
		return -1;
	return signer_prove(v, s);
}
