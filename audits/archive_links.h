/*
 * archive_links: where the links of an archive lead, and what would be written through them.
 *
 * A symbolic link is followed the way a kernel would, through the other links of the archive:
 * text alone would call "x/.." harmless where x is itself a link.
 */
#ifndef ASSIZE_AUDITS_ARCHIVE_LINKS_H
#define ASSIZE_AUDITS_ARCHIVE_LINKS_H

struct archive_item;
struct archive_review;

/* Adds findings about the item, of any type; all members are known. */
void archive_links_judge(struct archive_review *r, const struct archive_item *item);
/*
 * What stands where a member is, once its links are followed. NOTHING is a link in a circle, or to
 * a name inside the archive that is not there; of one that leads out of it nobody knows.
 */
enum archive_end { END_NOTHING, END_FOLDER, END_FILE, END_UNKNOWN };

enum archive_end archive_links_end(const struct archive_review *r, const struct archive_item *item);

#endif
