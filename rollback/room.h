/*
 * room: what the files of the rollback room share. Nobody outside includes this.
 *
 * One struct verification per rollback_verify() call; everything hangs in its arena and dies with
 * it. A `struct step` collects findings: the worst one is kept, ties go to the one found first in
 * tree order, so that threads do not change what is reported.
 *
 * Words: an *entry* is one path of the tag's tree; a *blob* stands for all entries with the same
 * object, of which the first in tree order is the owner and the rest hang on next_same.
 */
#ifndef ASSIZE_ROLLBACK_ROOM_H
#define ASSIZE_ROLLBACK_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "rollback/rollback.h"
#include "runner/model/definition.h"
#include "runner/model/outcome.h"
#include "runner/model/restoration.h"
#include "runner/io/file.h"
#include "runner/io/git_library.h"
#include "runner/io/place.h"

struct arena;
struct clock;
struct worker;
struct crew;
struct pack_plan;
struct pack_worker;

enum rollback_content { CONTENT_RAW = 0, CONTENT_CHECKOUT = 1 };

#define ROOM_MAX_DEPTH	 128
#define ROOM_MAX_PATH	 4095
#define ROOM_MAX_THREADS 4
/* A step stops looking after this many findings: the rest would only repeat them. */
#define ROOM_MAX_FINDINGS  20
#define ROOM_DEFAULT_BYTES ((int64_t)64 << 30)
#define ROOM_DEFAULT_FILES 1000000
#define ROOM_BATCH	   16
#define ROOM_PROGRESS_MS   100

/* step.c: findings. */
struct step {
	struct arena *a;
	enum outcome outcome;
	const char *finding, *remedy;
	const char *note; /* worth knowing whatever the outcome; lines */
	size_t n_findings;
	size_t order; /* of what is being looked at now */
	size_t found_order;
	int64_t duration_us;
};

void step_init(struct step *s, struct arena *a);
/* Records a finding; returns -1 so that `return step_find(...)` reads well. remedy may be NULL. */
int step_find(struct step *s, enum outcome outcome, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds a line to the step's note. */
void step_note(struct step *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void step_merge(struct step *into, const struct step *from);
bool step_is_passing(const struct step *s);
bool step_is_full(const struct step *s);
/* As it goes into the restoration. */
struct restoration_step step_result(const struct step *s, const char *name);

/* In the order they are told. */
enum rollback_step {
	STEP_COLD,
	STEP_IDENTITY,
	STEP_SOURCE,
	STEP_CLOSURE,
	STEP_MATERIALISE,
	STEP_COMPARE,
	STEP_BUDGET,
	STEP_ARTIFACTS,
	STEP_SMOKE,
	STEP_COMPATIBLE,
	STEP_WARM,
	STEP_SWAP,
	N_STEPS
};

/* A tag among the words of a command: behind -- where it would be taken for options. */
const char *room_word(struct arena *a, const char *tag);
/* What git fetch REMOTE is told of a tag: "tag v1". */
const char *room_refspec(struct arena *a, const char *tag);
/* Is there something of the name, be it out of reach? */
bool room_is_there(const char *path);

/* The tree of the tag. */
enum entry_type {
	ENTRY_DIRECTORY,
	ENTRY_FILE,
	ENTRY_EXECUTABLE,
	ENTRY_SYMLINK,
	ENTRY_SUBMODULE,
};

/* What the tag's own attributes would do to a file. */
enum {
	CHANGE_EOL = 1 << 0,
	CHANGE_IDENT = 1 << 1,
	CHANGE_FILTER = 1 << 2,
	CHANGE_LFS = 1 << 3,
	CHANGE_ENCODING = 1 << 4,
	CHANGE_EXPORT = 1 << 5, /* export-subst, export-ignore: archives only */
};

struct lfs_pointer {
	char hex[65];
	unsigned char sha256[32];
	int64_t size_bytes;
};

struct entry {
	const char *path; /* "" for the root; NUL terminated, no NUL inside */
	const char *name; /* last component, inside path */
	git_oid id;
	enum entry_type type;
	size_t store;	  /* which repository has its object */
	unsigned changes; /* CHANGE_ bits */
	struct entry *parent;
	struct entry **children; /* directory: sorted by name, bytewise */
	size_t n_children;
	struct entry *next_same; /* file: the next path of the same blob */
	const char *target;	 /* symlink */
	const struct lfs_pointer *lfs;
	size_t order;		  /* in the tree, for findings */
	int64_t size_bytes;	  /* as restored */
	bool is_sized;		  /* size_bytes is known */
	bool is_read;		  /* the blob was, by the reader of packs */
	unsigned char sha256[32]; /* as restored; known once the blob was read */
};

struct entries {
	struct entry **items;
	size_t n, cap;
};

void entries_add(struct arena *a, struct entries *list, struct entry *entry);
struct entry *entry_child(const struct entry *directory, const char *name, size_t n);

/* An object's size and SHA-256, as stored. */
struct content {
	uint64_t size;
	unsigned char sha256[32];
	bool is_known;
};

/* That of an object which is read before all are known. */
struct noted {
	git_oid id;
	struct content content;
	struct noted *next;
};

struct tree_plan {
	struct entry *root;
	struct entries directories; /* parents before children, the root first */
	struct entries files;	    /* regular files in tree order */
	struct entries blobs;	    /* owners among files, tree order */
	struct entries links, submodules, attributes;
	git_oid *ids; /* every object under the tag, sorted, distinct */
	size_t n_ids, cap_ids;
	struct content *contents; /* in the order of ids */
	struct noted *noted;
	const char *elsewhere; /* the first name that other systems cannot have, and why */
	size_t n_elsewhere;
	int64_t n_entries;
	int64_t n_bytes; /* of all files as restored */
	bool has_lfs;	 /* a file has the attribute filter=lfs */
};

/* What the repository itself says about its completeness; gathered first, used to explain. */
struct source_facts {
	bool is_shallow;
	const char *promisor;	    /* remote of a partial clone, NULL = none */
	const char *lost_alternate; /* first alternate directory that is not there, NULL = none */
	bool has_grafts;
	const char *remote;	 /* where a fetch would go: "origin", else the first; NULL = none */
	const char *lfs_setting; /* which makes another file of an LFS pointer; NULL = none */
	const char *lfs_remedy;
};

/* A repository whose objects the tag needs: its own (0), then those of its submodules. */
struct store {
	const char *gitdir;
	git_repository *repo; /* of the verifying thread */
	git_odb *odb;
	const struct entry *root; /* where its tree begins */
	const char *commit;	  /* hex */
};

/* What lstat tells of an entry; 40 bytes without a hole, so that they can be hashed as they are. */
struct stamp {
	int64_t size_bytes, mtime_ns, ctime_ns;
	uint64_t inode;
	uint32_t mode, n_links;
};

/* Some children of a directory. */
struct piece {
	const struct entry *directory;
	size_t first, n;
};

/* A tree on disk that is held against the plan. */
struct copy {
	int root_fd;
	dev_t device;		    /* of the root: nothing may be mounted in it */
	uid_t owner;		    /* of the root, hence of everything in it */
	const char *words;	    /* what a finding begins with: "restored", "in the warm copy" */
	const char *remedy;	    /* may be NULL */
	struct stamp *stamps;	    /* filled by entry->order; NULL = not wanted */
	bool is_by_stamp;	    /* names, types and stamps only: no byte is read */
	const struct piece *pieces; /* what the threads take in turn; compare.c's */
};

struct verification {
	struct arena *a;
	const struct rollback_request *req;
	const struct rollback_set *set;
	const char *tag, *ref; /* "v1.2.0", "refs/tags/v1.2.0" */
	git_repository *repo;
	git_odb *odb;
	git_oid commit_id, tree_id;
	git_oid tag_id; /* the tag object the ref leads to, of an annotated tag */
	bool is_annotated;
	struct source_facts source;
	struct tree_plan plan;
	struct store *stores; /* [0] is repo and odb above */
	size_t n_stores, cap_stores;
	struct crew *crew;
	struct pack_plan *packs; /* NULL = not made yet, or done with */
	const char *scratch_parent;
	struct scratch held; /* the scratch directory and its lock */
	const char *scratch; /* its path; NULL = not created */
	struct step steps[N_STEPS];
	bool is_reached[N_STEPS];
	/* the identity step: identity_prove, but where no tag is meant */
	int (*identify)(struct verification *v, struct step *s);
	const char *content;	 /* digest that was proven before, see content.c; NULL = none */
	const char *where;	 /* the step under way, for messages and progress */
	bool is_umask_plain;	 /* what is new gets exactly the mode asked for */
	const struct copy *copy; /* being compared now */
	int root_fd;		 /* of the restored tree, -1 = none */
	int64_t progress_ms;	 /* when progress was last told */
	_Atomic(int64_t) n_files_done, n_bytes_done; /* of the step under way */
	struct restoration *out;
};

/* The program, in the repository of a store; " (submodule ...)", "" of the tag's own. */
const char *room_git(struct verification *v, const struct store *store);
const char *room_whose(struct verification *v, const struct store *store);

/* Where the verification has come to, for a room above: the restored tree, the tag's commit. */
struct rollback_place room_place(const struct verification *v);
bool room_is_late(const struct verification *v);
int room_late(struct verification *v, struct step *s);
/* Items of the pass under way; told only when it is time. */
void room_progress(struct verification *v, int64_t done, int64_t total);
/* A step begins, or scratch comes or goes: told at once. */
void room_progress_begin(struct verification *v);
/* One more file was read back or written by this worker. */
void worker_did(struct worker *w, int64_t bytes);

/* An object to read, and what it is to a person. */
struct wanted {
	git_odb *odb;
	const git_oid *id;
	git_object_t type; /* GIT_OBJECT_ANY: not known, for messages only */
	const char *path;  /* of the tag's tree; NULL = not in it */
	size_t store;
};

/*
 * read.c: one object, re-hashed by libgit2. On failure the finding tells missing (and why that may
 * be), wrong bytes and unreadable apart.
 */
int room_read(struct verification *v, const struct wanted *w, struct step *s, git_odb_object **out);
int room_read_size(struct verification *v, const struct wanted *w, struct step *s,
		   int64_t *size_bytes);
/* The finding for libgit2's result rc < 0 on that object. */
int room_unreadable(struct verification *v, int rc, const struct wanted *w, struct step *s);
/* An entry's own object, for the verifying thread. */
struct wanted room_wanted(const struct verification *v, const struct entry *entry);
/* "git fetch --refetch origin tag v1" and its like: gets the whole tag again. */
const char *room_fetch(const struct verification *v, struct arena *a);
const char *room_hex(struct arena *a, const git_oid *id);

/* crew.c: a few threads, each with its own repository handle. */
struct worker {
	struct verification *v;
	struct crew *crew;
	struct arena *a;      /* this worker's own */
	struct store *stores; /* own handles of the verification's stores, opened when needed */
	size_t n_stores;
	struct pack_worker *packs; /* for reading packs; made when needed */
	git_repository *view; /* attributes of the tag only, see attributes.c; made when needed */
	struct step first, second;   /* the two steps a pass may find something for */
	int64_t first_us, second_us; /* time spent in each; a task adds that of the second */
	char *buffer;
	bool is_broken; /* what it could not do makes the pass incomplete */
};

#define WORKER_BUFFER (256 * 1024)

/* The object database a worker reads an entry from; NULL with a finding. */
git_odb *worker_odb(struct worker *w, const struct entry *entry);

/* Does item i; findings go to the worker's steps. */
typedef void crew_task_fn(struct worker *w, size_t i);

void crew_init(struct verification *v);
void crew_release(struct verification *v);
size_t crew_size(const struct verification *v);
/* The verifying thread itself, for what it does between passes. */
struct worker *crew_first(struct verification *v);
/*
 * Runs task for 0..n-1, each worth about so many files, then merges what the workers found into the
 * steps (second may be NULL) and shares out the time of the pass as the workers spent it. -1 when
 * the pass is not whole: a finding for the first step that is not passing, a broken worker, or no
 * time left.
 */
int crew_run(struct verification *v, size_t n, size_t worth, crew_task_fn *task, struct step *first,
	     struct step *second);

/* The steps, in their order; see each file's head for its rules. */
void source_gather(struct verification *v, struct step *s); /* source.c */
int identity_prove(struct verification *v, struct step *s); /* identity.c */
int signer_prove(struct verification *v, struct step *s);   /* signer.c */
/* When this record first saw the tag on its commit; 0 = a pin of another one, or none. */
int64_t room_seen_ms(const struct verification *v);
int source_prove(struct verification *v, struct step *s);
int refs_prove(struct verification *v, struct step *s); /* refs.c */
int tree_walk(struct verification *v, struct step *s);	/* tree.c */
int tree_walk_from(struct verification *v, struct step *s, struct entry *dir, int depth);
void tree_add_id(struct verification *v, const git_oid *id);
int tree_by_id(const void *a, const void *b); /* of git_oid, for qsort() and bsearch() */
int submodules_walk(struct verification *v, struct step *s); /* submodules.c */
void submodules_release(struct verification *v);
int tree_sizes(struct verification *v, struct step *s);
int tree_check_bytes(struct verification *v, struct step *s);
int clone_prove(struct verification *v, struct step *s); /* clone.c */
/* settings.c: of one repository before the attributes are known, and after. Both only find. */
void settings_prove(struct verification *v, struct step *s, const struct store *store);
void settings_prove_lfs(struct verification *v, struct step *s);
/* What is between begin and end in a setting's name; NULL when it is another one. */
const char *settings_middle(struct arena *a, const char *name, const char *begin, const char *end);
int attributes_scan(struct verification *v, struct step *s, struct step *materialise);
int links_read(struct verification *v, struct step *s); /* links.c */
int materialise_begin(struct verification *v, struct step *s);
int materialise_run(struct verification *v, struct step *closure, struct step *s);
int compare_run(struct verification *v, struct step *s);
int compatible_run(struct verification *v, struct step *s); /* compatible.c */
int artifacts_run(struct verification *v, struct step *s);  /* artifacts.c */
int smoke_run(struct verification *v, struct step *s);	    /* smoke.c */
int compare_copy(struct verification *v, const struct copy *copy, struct step *s);

/* warm.c: the tag's warm copy is its tree, or is made so. */
void warm_prove(struct verification *v, struct step *s);

/* drill.c, cold.c */
void drill_swap(struct verification *v, struct step *s);
int cold_drop(struct verification *v, struct step *s);

/*
 * verify.c: another release in scratch of its own, beside that of v; identify NULL = it is a tag.
 * What is found goes to other->out. Released in any case; s takes what that finds.
 */
bool other_restore(struct verification *other, struct arena *a, const struct rollback_request *req,
		   int (*identify)(struct verification *v, struct step *s));
void other_release(struct verification *other, struct step *s);

/* warm_set.c: where the copies of a set are. */
struct warm_place {
	const char *directory; /* all copies of a set stand in one */
	const char *name;      /* of the copy in it */
	const char *path;
	const char *state; /* directory/.assize: manifests, lock, what is being built */
	const char *lock;
};
struct warm_place warm_place(struct arena *a, const struct rollback_set *set, const char *tag);

/* warm_manifest.c: what assize knows about a copy it made; see there for what it can be trusted
 * for. */
struct warm_manifest {
	const char *set, *path, *repo; /* the set's; path with {tag} */
	const char *tag, *commit, *tree, *content;
	int64_t made_ms, proven_ms;
	int64_t n_files, n_bytes;
	struct place_identity root;
	const char *stamps; /* hex of a SHA-256 over all stamps; "" = not taken */
};
struct warm_manifest warm_manifest_of(const struct verification *v);
/* NULL = there is none that can be read for this directory. */
const struct warm_manifest *warm_manifest_read(struct arena *a, const struct warm_place *place,
					       const struct place_identity *root);
int warm_manifest_write(struct arena *a, const struct warm_place *place,
			const struct warm_manifest *m, struct err *e);
/* Its file; one for every directory that ever stood there. */
const char *warm_manifest_path(struct arena *a, const struct warm_place *place,
			       const struct place_identity *root);
const struct warm_manifest *warm_manifest_parse(struct arena *a, const char *path);
/* Is the directory one that assize made for this set? */
bool warm_manifest_is_own(struct arena *a, const struct warm_manifest *m,
			  const struct rollback_set *set, const struct place_identity *root);

/* warm_guard.c: warns of whoever could change a copy that is right; owner is that of its root. */
void warm_guard(struct step *s, const struct warm_place *place, uid_t owner);

/* names.c: may a tree entry be called that? NULL = yes, else why not. */
const char *name_refused(const char *name);
/* A remark on a name or pair of names that other systems cannot tell apart; NULL = none. */
const char *name_doubtful(const char *name);
/* Why Windows cannot have a file of that name, which here is as good as any; NULL = it can. */
const char *name_elsewhere(const char *name);

/* content.c: for an object read by the verifying thread, then for one read by any. */
void content_note(struct verification *v, const git_oid *id, const void *data, size_t size);
void content_begin(struct verification *v); /* all names are known */
void content_place(struct verification *v, const git_oid *id, const unsigned char *sha256,
		   size_t size);
/* Hex, once everything was read; NULL when it was not. */
const char *content_digest(struct verification *v);

/* attributes.c */
bool attributes_matter(const char *text, size_t n);
/* A repository in which only the tag's own attributes count. */
git_repository *attributes_view(const struct verification *v, git_odb *odb);
/*
 * The file as a checkout writes it. is_same: no byte changes; is_certain: git writes the same. *out
 * is freed by git_buf_dispose.
 */
int attributes_apply(git_repository *view, const struct entry *entry, git_buf *out, bool *is_same,
		     bool *is_certain);

/* lfs.c */
bool lfs_parse(const char *data, size_t n, struct lfs_pointer *out);
/* Opens the object in the repository's own LFS store; -1 with a finding. */
/* The command that gets its object again. */
const char *lfs_remedy(struct verification *v, const struct entry *entry, struct arena *a);
int lfs_open(struct verification *v, const struct entry *entry, struct step *s);

/* version.c: < 0 when a is an older version than b. */
int version_compare(const char *a, const char *b);

#endif
