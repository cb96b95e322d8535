/*
 * archive_library: the functions of libarchive that are called, loaded when they are first needed.
 * Private to runner/io/archive*.c.
 */
#ifndef ASSIZE_IO_ARCHIVE_LIBRARY_H
#define ASSIZE_IO_ARCHIVE_LIBRARY_H

#include <archive.h>
#include <archive_entry.h>

struct err;

#define ARCHIVE_FUNCTIONS(X)                                                                       \
	X(struct archive *, archive_read_new, (void))                                              \
	X(int, archive_read_free, (struct archive *))                                              \
	X(int, archive_read_support_format_tar, (struct archive *))                                \
	X(int, archive_read_support_format_zip_seekable, (struct archive *))                       \
	X(int, archive_read_support_format_7zip, (struct archive *))                               \
	X(int, archive_read_support_format_ar, (struct archive *))                                 \
	X(int, archive_read_support_format_cpio, (struct archive *))                               \
	X(int, archive_read_support_format_raw, (struct archive *))                                \
	X(int, archive_read_support_format_empty, (struct archive *))                              \
	X(int, archive_read_support_filter_bzip2, (struct archive *))                              \
	X(int, archive_read_support_filter_compress, (struct archive *))                           \
	X(int, archive_read_support_filter_lz4, (struct archive *))                                \
	X(int, archive_read_support_filter_lzip, (struct archive *))                               \
	X(int, archive_read_support_filter_lzma, (struct archive *))                               \
	X(int, archive_read_support_filter_xz, (struct archive *))                                 \
	X(int, archive_read_support_filter_zstd, (struct archive *))                               \
	X(int, archive_read_set_read_callback, (struct archive *, archive_read_callback *))        \
	X(int, archive_read_set_seek_callback, (struct archive *, archive_seek_callback *))        \
	X(int, archive_read_set_skip_callback, (struct archive *, archive_skip_callback *))        \
	X(int, archive_read_set_callback_data, (struct archive *, void *))                         \
	X(int, archive_read_open1, (struct archive *))                                             \
	X(int, archive_read_next_header, (struct archive *, struct archive_entry **))              \
	X(int, archive_read_data_block, (struct archive *, const void **, size_t *, la_int64_t *)) \
	X(la_ssize_t, archive_read_data, (struct archive *, void *, size_t))                       \
	X(int, archive_filter_code, (struct archive *, int))                                       \
	X(la_int64_t, archive_filter_bytes, (struct archive *, int))                               \
	X(int, archive_format, (struct archive *))                                                 \
	X(const char *, archive_error_string, (struct archive *))                                  \
	X(const char *, archive_entry_pathname, (struct archive_entry *))                          \
	X(const char *, archive_entry_symlink, (struct archive_entry *))                           \
	X(const char *, archive_entry_hardlink, (struct archive_entry *))                          \
	X(const char *, archive_entry_uname, (struct archive_entry *))                             \
	X(const char *, archive_entry_gname, (struct archive_entry *))                             \
	X(la_int64_t, archive_entry_uid, (struct archive_entry *))                                 \
	X(la_int64_t, archive_entry_gid, (struct archive_entry *))                                 \
	X(la_int64_t, archive_entry_size, (struct archive_entry *))                                \
	X(int, archive_entry_size_is_set, (struct archive_entry *))                                \
	X(__LA_MODE_T, archive_entry_filetype, (struct archive_entry *))                           \
	X(__LA_MODE_T, archive_entry_perm, (struct archive_entry *))                               \
	X(int, archive_entry_is_encrypted, (struct archive_entry *))

struct archive_api {
#define ARCHIVE_MEMBER(result, name, arguments) result(*name) arguments;
	ARCHIVE_FUNCTIONS(ARCHIVE_MEMBER)
#undef ARCHIVE_MEMBER
};

/* NULL: it could not be loaded. Thread-safe. */
const struct archive_api *archive_library(struct err *e);

#endif
