/*
 * The floor under bench/fib.ts: the same routes written by plain C, 64 KiB of messages per send, an acknowledgement for
 * the last of each. Prints the seconds for add, replace, move to another interface, dump and delete of COUNT routes, and
 * the most memory that it had, in KiB.
 *
 *   floor IFINDEX_A IFINDEX_B COUNT GATEWAY_A GATEWAY_B
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH_OCTETS (64 * 1024)
#define PROTOCOL 77

struct message {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr destination_header;
	uint32_t destination;
	struct rtattr interface_header;
	uint32_t interface;
	struct rtattr gateway_header;
	uint32_t gateway;
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void await_acknowledgement(int fd, uint32_t last)
{
	static char answer[64 * 1024];
	for (;;) {
		ssize_t length = recv(fd, answer, sizeof answer, 0);
		if (length < 0) {
			perror("recv");
			exit(1);
		}
		for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
			struct nlmsgerr *e = NLMSG_DATA(h);
			if (h->nlmsg_type != NLMSG_ERROR) continue;
			if (e->error != 0) {
				fprintf(stderr, "route %u: %s\n", h->nlmsg_seq, strerror(-e->error));
				exit(1);
			}
			if (h->nlmsg_seq == last) return;
		}
	}
}

static double run(int fd, int type, int flags, uint32_t interface, uint32_t count, uint32_t gateway,
	uint32_t route_flags)
{
	static struct message batch[BATCH_OCTETS / sizeof(struct message)];
	const uint32_t capacity = sizeof batch / sizeof batch[0];
	double from = now();
	for (uint32_t next = 0; next < count;) {
		uint32_t used = 0;
		for (; used < capacity && next < count; used++, next++) {
			struct message *m = &batch[used];
			m->header = (struct nlmsghdr){ sizeof *m, type, NLM_F_REQUEST | flags, next + 1, 0 };
			m->route = (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = RT_TABLE_MAIN,
				.rtm_protocol = PROTOCOL, .rtm_type = RTN_UNICAST, .rtm_flags = route_flags,
				.rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE };
			m->destination_header = (struct rtattr){ 8, RTA_DST };
			m->destination = htonl(0x14000000u + (next << 8));
			m->interface_header = (struct rtattr){ 8, RTA_OIF };
			m->interface = interface;
			m->gateway_header = (struct rtattr){ 8, RTA_GATEWAY };
			m->gateway = gateway;
		}
		batch[used - 1].header.nlmsg_flags |= NLM_F_ACK;
		if (send(fd, batch, used * sizeof batch[0], 0) < 0) {
			perror("send");
			exit(1);
		}
		await_acknowledgement(fd, next);
	}
	return now() - from;
}

/* Reads all routes of the table, and does nothing with them. */
static double dump(int fd)
{
	static char answer[64 * 1024];
	struct { struct nlmsghdr header; struct rtmsg route; } request = {
		{ sizeof request, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { .rtm_family = AF_INET } };
	double from = now();
	if (send(fd, &request, sizeof request, 0) < 0) {
		perror("send");
		exit(1);
	}
	for (;;) {
		ssize_t length = recv(fd, answer, sizeof answer, 0);
		for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length))
			if (h->nlmsg_type == NLMSG_DONE) return now() - from;
		if (length < 0) {
			perror("recv");
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 6) return 2;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int size = 8 * 1024 * 1024, on = 1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	uint32_t interface = atoi(argv[1]), other = atoi(argv[2]), count = atoi(argv[3]);
	uint32_t a = inet_addr(argv[4]), b = inet_addr(argv[5]);
	double add = run(fd, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, interface, count, a, 0);
	double replace = run(fd, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, interface, count, b, 0);
	double move = run(fd, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, other, count, b, RTNH_F_ONLINK);
	double list = dump(fd);
	double delete = run(fd, RTM_DELROUTE, 0, other, count, b, 0);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("%.6f %.6f %.6f %.6f %.6f %ld\n", add, replace, move, list, delete, usage.ru_maxrss);
	return 0;
}
