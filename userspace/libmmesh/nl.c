// SPDX-License-Identifier: Apache-2.0
#include "nl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

enum { SOCKET_BUFFER = 4 * 1024 * 1024 };

/* Larger than net.core.*mem_max if we may; the ordinary size serves too. */
static void grow_buffer(struct mnl_socket *sock, int force_option, int option)
{
	int fd = mnl_socket_get_fd(sock);
	int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force_option, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

int nl_open(struct nl *ret, int protocol, struct error *err)
{
	int on = 1;

	*ret = (struct nl){ 0 };
	ret->request = calloc(1, NL_REQUEST_MAX);
	ret->receive = malloc(NL_RECEIVE_SIZE);
	if (!ret->request || !ret->receive) {
		nl_end(ret);
		return error_oom(err);
	}
	ret->sock = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!ret->sock || mnl_socket_bind(ret->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = error_set(err, errno, "cannot open a netlink socket: %m");

		nl_end(ret);
		return r;
	}
	/* All three exist since Linux 4.20; without them errors only get poorer. */
	(void)mnl_socket_setsockopt(ret->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(ret->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(ret->sock, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	grow_buffer(ret->sock, SO_RCVBUFFORCE, SO_RCVBUF);
	grow_buffer(ret->sock, SO_SNDBUFFORCE, SO_SNDBUF);
	return 0;
}

void nl_end(struct nl *nl)
{
	if (nl->request)
		explicit_bzero(nl->request, NL_REQUEST_MAX);
	if (nl->receive)
		explicit_bzero(nl->receive, NL_RECEIVE_SIZE);
	free(nl->request);
	free(nl->receive);
	if (nl->sock)
		(void)mnl_socket_close(nl->sock);
	*nl = (struct nl){ 0 };
}

struct nlmsghdr *nl_start(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(nl->request);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlmsg_seq = ++nl->seq;
	return msg;
}

struct nlmsghdr *nl_start_genl(struct nl *nl, uint16_t family, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *msg = nl_start(nl, family, flags);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(msg, sizeof(*genl));

	genl->cmd = cmd;
	genl->version = 1;
	return msg;
}

/* The kernel's sentence in the attributes from @at on, or NULL. */
static const char *extack_text(const void *at, size_t len)
{
	const struct nlattr *attr = at;

	while (mnl_attr_ok(attr, (int)len)) {
		size_t step = MNL_ALIGN(attr->nla_len);

		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attr);
		if (step >= len)
			break;
		len -= step;
		attr = mnl_attr_next(attr);
	}
	return NULL;
}

static int refusal(int code, const char *text, struct error *err)
{
	if (text && *text)
		return error_set(err, code, "%s", text);
	return error_set(err, code, "%s", strerror(code));
}

/* NLMSG_ERROR: 0 for an acknowledgement, else the refusal. */
static int read_ack(const struct nlmsghdr *msg, struct error *err)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(msg);
	size_t payload = mnl_nlmsg_get_payload_len(msg);
	size_t offset = sizeof(*ack);
	const char *text = NULL;

	if (payload < sizeof(*ack))
		return error_set(err, EPROTO, "the kernel's acknowledgement is too short");
	if (!ack->error)
		return 0;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED) && ack->msg.nlmsg_len >= NLMSG_HDRLEN)
		offset += MNL_ALIGN(ack->msg.nlmsg_len) - NLMSG_HDRLEN;
	if ((msg->nlmsg_flags & NLM_F_ACK_TLVS) && offset < payload)
		text = extack_text((const char *)ack + offset, payload - offset);
	return refusal(ack->error < 0 ? -ack->error : EPROTO, text, err);
}

/* NLMSG_DONE carries the result of a dump, and may carry a text. */
static int read_done(const struct nlmsghdr *msg, struct error *err)
{
	size_t payload = mnl_nlmsg_get_payload_len(msg);
	const char *text = NULL;
	int result;

	if (payload < sizeof(result))
		return 0;
	memcpy(&result, mnl_nlmsg_get_payload(msg), sizeof(result));
	if (result >= 0)
		return 0;
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS)
		text = extack_text(mnl_nlmsg_get_payload_offset(msg, sizeof(result)),
				   payload - MNL_ALIGN(sizeof(result)));
	return refusal(-result, text, err);
}

static ssize_t receive(struct nl *nl, struct error *err)
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->receive, NL_RECEIVE_SIZE);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return error_set(err, errno, "cannot receive from the kernel: %m");
	}
}

static int send_all(struct nl *nl, void *buf, size_t len, struct error *err)
{
	ssize_t n;
	int r = 0;

	do
		n = mnl_socket_sendto(nl->sock, buf, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		r = error_set(err, errno, "cannot send to the kernel: %m");
	explicit_bzero(buf, len);
	return r;
}

struct reading {
	nl_message_fn on_message;
	void *user;
	bool interrupted; /* the dump's content changed */
	bool failed;	  /* on_message() said so; drain the rest */
	int result;
};

/* True when @msg ends the reply. */
static bool read_message(const struct nlmsghdr *msg, struct reading *rd, struct error *err)
{
	int r;

	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		rd->interrupted = true;
	if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE) {
		if (rd->failed)
			return true;
		rd->result = msg->nlmsg_type == NLMSG_ERROR ? read_ack(msg, err) :
							      read_done(msg, err);
		return true;
	}
	if (msg->nlmsg_type < NLMSG_MIN_TYPE || !rd->on_message || rd->failed)
		return false;
	r = rd->on_message(msg, rd->user, err);
	if (r < 0) {
		rd->failed = true;
		rd->result = r;
	}
	return false;
}

static int read_reply(struct nl *nl, uint32_t seq, struct reading *rd, struct error *err)
{
	for (;;) {
		ssize_t n = receive(nl, err);
		const struct nlmsghdr *msg = (const void *)nl->receive;
		int len = (int)n;

		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len)) {
			if (msg->nlmsg_seq != seq)
				continue;
			if (read_message(msg, rd, err)) {
				explicit_bzero(nl->receive, (size_t)n);
				return rd->result;
			}
		}
	}
}

int nl_request(struct nl *nl, struct nlmsghdr *msg, nl_message_fn on_message, void *user,
	       struct error *err)
{
	struct reading rd = { .on_message = on_message, .user = user };
	uint32_t seq = msg->nlmsg_seq;
	int r;

	msg->nlmsg_flags |= NLM_F_ACK;
	r = send_all(nl, msg, msg->nlmsg_len, err);
	if (r < 0)
		return r;
	return read_reply(nl, seq, &rd, err);
}

int nl_read_all(struct nl *nl, struct nlmsghdr *msg, nl_message_fn on_message,
	    void (*on_restart)(void *user), void *user, struct error *err)
{
	size_t len = msg->nlmsg_len;
	_cleanup_free_ char *saved = malloc(len);

	if (!saved)
		return error_oom(err);
	msg->nlmsg_flags |= NLM_F_DUMP | NLM_F_ACK;
	memcpy(saved, msg, len); /* a dump request holds no secret */
	for (int attempt = 0; attempt < NL_DUMP_ATTEMPTS; attempt++) {
		struct reading rd = { .on_message = on_message, .user = user };
		int r;

		memcpy(nl->request, saved, len);
		msg = (struct nlmsghdr *)nl->request;
		msg->nlmsg_seq = ++nl->seq;
		r = send_all(nl, msg, len, err);
		if (r < 0)
			return r;
		r = read_reply(nl, nl->seq, &rd, err);
		if (r < 0 || !rd.interrupted)
			return r;
		if (on_restart)
			on_restart(user);
	}
	return error_set(err, EBUSY, "the kernel's tables changed in each of %d attempts to read them",
			 NL_DUMP_ATTEMPTS);
}

int nl_batch_open(struct nl_batch *ret, struct nl *nl, struct error *err)
{
	*ret = (struct nl_batch){ .nl = nl };
	ret->buf = malloc(NL_BATCH_BYTES);
	ret->note = calloc(NL_BATCH_MESSAGES, sizeof(*ret->note));
	if (ret->buf && ret->note)
		return 0;
	nl_batch_close(ret);
	return error_oom(err);
}

void nl_batch_close(struct nl_batch *batch)
{
	if (batch->buf)
		explicit_bzero(batch->buf, NL_BATCH_BYTES);
	free(batch->buf);
	free(batch->note);
	*batch = (struct nl_batch){ 0 };
}

int nl_batch_add(struct nl_batch *batch, struct nlmsghdr *msg, const char *about, int tolerated,
		 struct error *err)
{
	size_t len = MNL_ALIGN(msg->nlmsg_len);
	struct nl_batch_note *note;
	int r;

	if (batch->count == NL_BATCH_MESSAGES || batch->len + len > NL_BATCH_BYTES) {
		r = nl_batch_flush(batch, err);
		if (r < 0)
			return r;
	}
	if (!batch->count)
		batch->first_seq = msg->nlmsg_seq;
	note = &batch->note[batch->count++];
	(void)snprintf(note->about, sizeof(note->about), "%s", about);
	note->tolerated = tolerated;
	memcpy(batch->buf + batch->len, msg, len);
	batch->last_offset = batch->len;
	batch->len += len;
	explicit_bzero(msg, len);
	return 0;
}

/* Answers to one piece, until that to its last message; the first refusal counts. */
static int read_batch(struct nl_batch *batch, struct error *err)
{
	uint32_t last = batch->first_seq + (uint32_t)batch->count - 1;
	struct error *first_err = err;
	int result = 0;

	for (;;) {
		ssize_t n = receive(batch->nl, err);
		const struct nlmsghdr *msg = (const void *)batch->nl->receive;
		int len = (int)n;

		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len)) {
			uint32_t i = msg->nlmsg_seq - batch->first_seq;
			int r;

			if (msg->nlmsg_type != NLMSG_ERROR || i >= batch->count)
				continue;
			r = read_ack(msg, first_err);
			if (r < 0 && -r != batch->note[i].tolerated && !result) {
				result = error_prefix(first_err, r, "%s: ", batch->note[i].about);
				first_err = NULL;
			}
			if (msg->nlmsg_seq == last)
				return result;
		}
	}
}

int nl_batch_flush(struct nl_batch *batch, struct error *err)
{
	struct nlmsghdr *last;
	int r;

	if (!batch->count)
		return 0;
	last = (struct nlmsghdr *)(batch->buf + batch->last_offset);
	last->nlmsg_flags |= NLM_F_ACK;
	r = send_all(batch->nl, batch->buf, batch->len, err);
	if (!r)
		r = read_batch(batch, err);
	batch->count = 0;
	batch->len = 0;
	return r;
}
