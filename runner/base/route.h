/*
 * route: which way requests to a server go, and who one is there.
 *
 * Read from a target of a definition, and handed as it is to what makes the connection. Owns
 * nothing; every text may be NULL. Passwords are secrets and the files may hold some: only names of
 * files and hosts are ever shown.
 */
#ifndef ASSIZE_BASE_ROUTE_H
#define ASSIZE_BASE_ROUTE_H

enum route_http { ROUTE_HTTP_AUTO = 0, ROUTE_HTTP_1_1, ROUTE_HTTP_2 };

struct route {
	const char *proxy; /* URL: http, https, socks5, socks5h; no credentials in it */
	const char *proxy_user, *proxy_password;
	const char *proxy_ca_file; /* of an https proxy; NULL = system */
	const char *cert_file;	   /* client certificate and chain, PEM */
	const char *key_file;	   /* NULL = in cert_file */
	const char *key_password;
	int http_version; /* enum route_http */
};

#endif
