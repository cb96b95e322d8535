/*
 * archive_links: where the links of an archive lead, and what would be written through them.
 *
 * A symbolic link is followed the way a kernel would, through the other links of the archive:
 * text alone would call "x/.." harmless where x is itself a link.
 */
#ifndef ASSIZE_AUDITS_ARCHIVE_LINKS_H
#define ASSIZE_AUDITS_ARCHIVE_LINKS_H

#include <stdbool.h>

struct archive_item;
struct archive_review;

/* Adds findings about the item, of any type; all members are known. */
void archive_links_judge(struct archive_review *r, const struct archive_item *item);
/* A symbolic link in a circle, or to a name inside the archive that is not there. */
bool archive_links_lead_nowhere(const struct archive_review *r, const struct archive_item *item);

#endif
