/*
 * rollback_artifacts: what was built of a tag, by the rules of the kinds that know such things.
 *
 * Files are digested by kind file and looked into by kind archive, images walked by kind oci; here
 * is what the answers mean for a release. What is not there, or cannot be asked, proves nothing;
 * another digest, an archive that cannot be unpacked safely and to its end, a damaged image, a
 * signature that does not fit and another commit than the tag's disprove.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/archive_rules.h"
#include "audits/manifest.h"
#include "audits/policy.h"
#include "audits/rollback_artifact.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/archive.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/signature.h"

#define MAX_MANIFEST_BYTES (64 * 1024 * 1024)
#define MAX_COMMIT_FILE	   4096
#define MIN_ABBREVIATION   7

int artifact_find(struct artifact *x, enum outcome outcome, const char *remedy, const char *fmt,
		  ...)
{
	enum outcome joined = outcome_join(x->out->outcome, outcome);
	va_list ap;

	if (joined == x->out->outcome)
		return -1;
	va_start(ap, fmt);
	x->out->finding = arena_printf(x->a, "\"%s\": %s", str_escaped(x->a, x->out->name),
				       arena_vprintf(x->a, fmt, ap));
	va_end(ap);
	x->out->remedy = remedy;
	x->out->outcome = joined;
	return -1;
}

const char *artifact_expand(struct artifact *x, const char *text)
{
	return text ? rollback_expand(x->a, text, x->place) : NULL;
}

const char *artifact_absolute(struct artifact *x, const char *text)
{
	const struct definition *d = x->look->probe->world->definition;

	return text ? file_absolute(x->a, d->root_dir, artifact_expand(x, text)) : NULL;
}

struct ask artifact_ask(struct artifact *x, const char *kind, struct node *spec)
{
	return (struct ask){
		.arena = x->a,
		.world = x->look->probe->world,
		.deadline_ms = x->place->deadline_ms,
		.name = x->out->name,
		.kind = kind,
		.spec = spec,
	};
}

static const char *first_line(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strcspn(text, "\n"));
}

/* What a kind had against it: the first line of evidence says more than a count. */
void artifact_find_answer(struct artifact *x, const struct ask_answer *answer, const char *remedy)
{
	if (outcome_is_passing(answer->outcome))
		return;
	(void)artifact_find(x, answer->outcome, answer->help ? answer->help : remedy, "%s",
			    answer->evidence && answer->outcome == OUTCOME_FAIL
				    ? first_line(x->a, answer->evidence)
			    : answer->reason ? answer->reason
					     : outcome_name(answer->outcome));
	if (answer->evidence && strchr(answer->evidence, '\n'))
		x->out->note = answer->evidence;
}

bool artifact_is_commit(const struct artifact *x, const char *word, size_t n)
{
	return n >= MIN_ABBREVIATION && n <= strlen(x->place->commit) &&
	       memcmp(word, x->place->commit, n) == 0;
}

/* ---- digests ---- */

const char *artifact_given_digest(struct artifact *x)
{
	const char *hex = x->spec->sha256;
	unsigned char digest[SHA256_BYTES];
	char text[SHA256_HEX];

	if (!hex || sha256_from_hex(hex, strlen(hex), digest) < 0)
		return NULL; /* the loader refuses what is no digest */
	sha256_hex(digest, text);
	return arena_strdup(x->a, text);
}

/* The name the manifest has for it: relative to its folder, or the last part alone. */
static const struct manifest_entry *listed(struct artifact *x, const struct manifest *m,
					   const char *manifest)
{
	size_t n = (size_t)(strrchr(manifest, '/') - manifest) + 1;
	const struct manifest_entry *entry = NULL;

	if (strncmp(x->path, manifest, n) == 0)
		entry = map_get(&m->by_name, x->path + n);
	return entry ? entry : map_get(&m->by_name, strrchr(x->path, '/') + 1);
}

/* 0 with the digest that is recorded, NULL where none is; -1 with a finding. */
static int recorded_digest(struct artifact *x, const char **hex)
{
	const char *path = artifact_absolute(x, x->spec->digests), *name;
	const struct manifest_entry *entry = NULL;
	struct manifest manifest;
	struct err e = {.class = ERR_NONE};
	struct buf text;
	char digest[SHA256_HEX];
	int rc;

	*hex = artifact_given_digest(x);
	if (!path)
		return 0;
	buf_init(&text, MAX_MANIFEST_BYTES);
	name = policy_name(x->a, x->look->probe->world->definition, path, &e);
	rc = name ? file_read(name, &text, &e) : -1;
	if (rc == 0)
		rc = manifest_parse(x->a, text.data, text.len, &manifest, &e);
	buf_release(&text);
	if (rc < 0)
		return artifact_find(x, OUTCOME_UNDECIDED,
				     "put back the list of digests of this release",
				     "its list of digests: %s", e.message);
	entry = listed(x, &manifest, path);
	if (!entry)
		return artifact_find(x, OUTCOME_UNDECIDED,
				     "list it, once it is known to be the one that was released",
				     "\"%s\" does not list it", path);
	sha256_hex(entry->digest, digest);
	if (*hex && strcmp(*hex, digest) != 0)
		return artifact_find(x, OUTCOME_FAIL, "correct sha256:, or the list",
				     "\"%s\" says sha256 %s, the definition %s", path, digest,
				     *hex);
	*hex = arena_strdup(x->a, digest);
	return 0;
}

/* Its own digest, against the recorded one where there is one. */
static int check_digest(struct artifact *x)
{
	struct node *spec = ask_mapping(x->a);
	struct ask q = artifact_ask(x, "file", spec);
	struct ask_value value = {.name = "sha256"};
	const char *recorded, *reason;
	struct ask_answer answer;

	ask_put(x->a, spec, "path", x->path);
	if (recorded_digest(x, &recorded) < 0 && x->out->outcome == OUTCOME_FAIL)
		return -1;
	if (recorded)
		value.expect = arena_printf(x->a, "== \"%s\"", recorded);
	ask_kind(&q, &value, 1, &answer);
	x->out->digest = ask_text(&answer, "sha256", &reason);
	if (!x->out->digest)
		return artifact_find(x, OUTCOME_UNDECIDED, answer.help, "%s",
				     answer.reason ? answer.reason : reason);
	if (answer.outcome == OUTCOME_FAIL)
		return artifact_find(x, OUTCOME_FAIL, "put back the one that was released",
				     "its sha256 is %s, recorded is %s", x->out->digest, recorded);
	return 0;
}

/* ---- archives ---- */

/*
 * Its bytes could just be read to the end, so what keeps it from being unpacked to its end is in
 * the archive; unless the time is up, or there is something to install.
 */
static void check_archive(struct artifact *x)
{
	const struct node *more = x->spec->archive;
	struct node *spec = ask_mapping(x->a);
	struct ask q = artifact_ask(x, "archive", spec);
	const struct ask_value value = {.name = "differences", .expect = "== 0"};
	const struct clock *clock = q.world->clock;
	struct ask_answer answer;

	ask_put(x->a, spec, "path", x->path);
	for (size_t i = 0; more && i < more->n; i++)
		ask_put_node(x->a, spec, more->keys[i]->text, more->items[i]);
	ask_kind(&q, &value, 1, &answer);
	if (answer.is_unreadable && !answer.help &&
	    clock_monotonic_ms(clock) < x->place->deadline_ms)
		answer.outcome = OUTCOME_FAIL;
	artifact_find_answer(x, &answer, "put back the one that was released");
}

/* The member that names the commit, on its way. */
struct member {
	struct artifact *x;
	const char *name;
	bool is_wanted, is_found;
	struct buf text;
};

static int on_member(void *context, const struct archive_member *m, struct err *e)
{
	struct member *member = context;

	(void)e;
	member->is_wanted = m->type == MEMBER_FILE &&
			    strcmp(archive_path(member->x->a, m->name), member->name) == 0;
	member->is_found = member->is_found || member->is_wanted;
	return 0;
}

static int on_data(void *context, const void *data, size_t n, struct err *e)
{
	struct member *member = context;

	if (!member->is_wanted || buf_add(&member->text, data, n) == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "\"%s\" is longer than a file that names a commit",
		       member->name);
}

static int on_end(void *context, struct err *e)
{
	(void)context;
	(void)e;
	return 0;
}

/* Some word of it is the commit. */
static bool names_commit(const struct artifact *x, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	while (*text) {
		size_t n = strspn(text, digits);

		if (artifact_is_commit(x, text, n))
			return true;
		text += n;
		text += strcspn(text, digits);
	}
	return false;
}

static int read_member(struct artifact *x, struct member *member, struct err *e)
{
	const struct archive_limits limits = {.max_members = 10000000,
					      .max_bytes = INT64_C(1) << 50,
					      .max_ratio = 1000000,
					      .deadline_ms = x->place->deadline_ms};
	const struct archive_sink sink = {member, on_member, on_data, on_end};
	struct archive_summary summary;
	struct stat st;
	int fd = file_open(x->path, &st, e), rc;

	if (fd < 0)
		return -1;
	rc = archive_walk(fd, &limits, &sink, &summary, e);
	(void)close(fd); /* only read from */
	return rc;
}

static void check_commit_file(struct artifact *x)
{
	struct member member = {
		.x = x, .name = archive_path(x->a, artifact_expand(x, x->spec->commit_file))};
	struct err e = {.class = ERR_NONE};
	const char *name = str_escaped(x->a, member.name), *text;
	int rc;

	buf_init(&member.text, MAX_COMMIT_FILE);
	rc = read_member(x, &member, &e);
	text = arena_strndup(x->a, member.text.data, member.text.len);
	buf_release(&member.text);
	if (rc < 0)
		(void)artifact_find(x, OUTCOME_UNDECIDED,
				    *e.help ? arena_strdup(x->a, e.help) : NULL, "%s", e.message);
	else if (!member.is_found)
		(void)artifact_find(x, OUTCOME_FAIL, "put back the one that was built of this tag",
				    "there is no member \"%s\" to name the commit", name);
	else if (!names_commit(x, text))
		(void)artifact_find(x, OUTCOME_FAIL, "put back the one that was built of this tag",
				    "its \"%s\" names another commit than %s: \"%s\"", name,
				    x->place->commit, str_escaped(x->a, first_line(x->a, text)));
}

/* ---- signatures ---- */

static void check_signature(struct artifact *x)
{
	const struct rollback_signature *set = &x->look->set->signature;
	const struct ssh_keys ssh = {.allowed_signers = set->allowed_signers,
				     .identity = set->identity,
				     .namespace = "file",
				     .revoked = set->revoked};
	const struct gpg_keys gpg = {.keyring = set->keyring, .fingerprints = set->fingerprints};
	const char *path = artifact_absolute(x, x->spec->signature);
	const struct clock *clock = x->look->probe->world->clock;
	int64_t seen_ms = x->place->seen_ms;
	struct signature_job job = {
		.arena = x->a,
		.clock = clock,
		.deadline_ms = x->place->deadline_ms,
		.at_ms = seen_ms > 0 ? seen_ms : clock_wall_ms(clock),
		.is_past = seen_ms > 0,
		.file = x->path,
		.signature = path,
		.scratch = x->look->set->scratch,
	};
	struct signature_answer answer = {.is_valid = false};
	struct err e = {.class = ERR_NONE};
	struct buf text;
	bool is_ssh;
	int rc;

	buf_init(&text, SIGNATURE_MAX_BYTES);
	rc = file_read(path, &text, &e);
	job.text = arena_strndup(x->a, text.data, text.len);
	job.n = text.len;
	buf_release(&text);
	is_ssh = str_starts(job.text, "-----BEGIN SSH SIGNATURE-----");
	if (rc == 0 && !(is_ssh ? set->allowed_signers : set->keyring)) {
		(void)artifact_find(x, OUTCOME_UNDECIDED,
				    is_ssh ? "add signature: { allowed_signers: } to the set"
					   : "add signature: { keyring: } to the set",
				    "it is signed with %s, of which the set names no keys",
				    is_ssh ? "OpenSSH" : "OpenPGP");
		return;
	}
	if (rc == 0)
		rc = is_ssh ? signature_ssh(&job, &ssh, &answer, &e)
			    : signature_gpg(&job, &gpg, &answer, &e);
	if (rc < 0)
		(void)artifact_find(x, OUTCOME_UNDECIDED,
				    *e.help ? arena_strdup(x->a, e.help)
					    : "put back its signature, and the keys",
				    "its signature: %s", e.message);
	else if (!answer.is_valid)
		(void)artifact_find(x,
				    answer.fault == SIGNATURE_BAD ||
						    answer.fault == SIGNATURE_REVOKED ||
						    answer.fault == SIGNATURE_MALFORMED
					    ? OUTCOME_FAIL
					    : OUTCOME_UNDECIDED,
				    "put back the one that was released, with its signature",
				    "its signature: %s", answer.reason);
	else
		x->out->note = arena_printf(x->a, "%s signed by %s",
					    str_escaped(x->a, x->out->name), answer.signer);
}

/* ---- files ---- */

static void look_at_file(struct artifact *x)
{
	struct stat before, after;

	x->path = artifact_absolute(x, x->spec->path);
	if (stat(x->path, &before) < 0) {
		bool is_absent = errno == ENOENT || errno == ENOTDIR;

		(void)artifact_find(x, OUTCOME_UNDECIDED,
				    arena_printf(x->a, "put the artifact of %s back at %s",
						 x->place->tag, x->path),
				    "%s%s",
				    is_absent ? "it is not there" : "could not look at it: ",
				    is_absent ? "" : strerror(errno));
		return;
	}
	if (check_digest(x) < 0)
		return;
	if (x->spec->is_extracted)
		check_archive(x);
	if (x->spec->commit_file && x->out->outcome == OUTCOME_PASS)
		check_commit_file(x);
	if (x->spec->signature)
		check_signature(x);
	if (stat(x->path, &after) < 0 || before.st_size != after.st_size ||
	    before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
	    before.st_mtim.tv_nsec != after.st_mtim.tv_nsec) {
		x->out->outcome = OUTCOME_PASS; /* what was found is of no one file */
		(void)artifact_find(x, OUTCOME_UNDECIDED, "assize rollback verify",
				    "it changed while it was looked at");
	}
}

void rollback_artifact(void *ctx, const struct rollback_place *place, size_t i,
		       struct rollback_found *out)
{
	const struct rollback_look *look = ctx;
	struct artifact x = {
		.a = look->probe->arena,
		.look = look,
		.place = place,
		.spec = &look->set->artifacts[i],
		.out = out,
	};

	*out = (struct rollback_found){.outcome = OUTCOME_PASS};
	out->name = artifact_expand(&x, x.spec->path	 ? x.spec->path
					: x.spec->layout ? x.spec->layout
							 : x.spec->oci);
	if (x.spec->path)
		look_at_file(&x);
	else
		artifact_look_at_image(&x);
}
